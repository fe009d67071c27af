package ecommerce.judge;

import java.util.Arrays;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The functions of the catalog `ecommerce`: one, `judge`. A placeholder: it tells a value's length. */
public final class Functions implements FunctionCatalog {
  private String name;

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Identifier[] listFunctions(String[] namespace) {
    return new Identifier[] {Identifier.of(namespace, "judge")};
  }

  @Override
  public UnboundFunction loadFunction(Identifier identifier) {
    return new UnboundFunction() {
      @Override
      public String name() {
        return "judge";
      }

      @Override
      public String description() {
        return "What becomes of a raw record.";
      }

      @Override
      public BoundFunction bind(StructType arguments) {
        return new Judge(arguments);
      }
    };
  }

  /** judge(value) → struct&lt;length int&gt;. */
  public static final class Judge implements ScalarFunction<InternalRow> {
    private final DataType[] inputTypes;

    Judge(StructType arguments) {
      inputTypes = Arrays.stream(arguments.fields()).map(StructField::dataType).toArray(DataType[]::new);
    }

    @Override
    public DataType[] inputTypes() {
      return inputTypes;
    }

    @Override
    public DataType resultType() {
      return new StructType().add("length", "int");
    }

    @Override
    public String name() {
      return "judge";
    }

    public InternalRow invoke(byte[] value) {
      return new GenericInternalRow(new Object[] {value == null ? null : value.length});
    }
  }
}
