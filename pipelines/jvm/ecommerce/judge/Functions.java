package ecommerce.judge;

import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Makes {@link Judge} known to Spark SQL, as a function of the catalogue that names this class. */
public final class Functions implements FunctionCatalog {
    private static final String JUDGE = "judge";

    private String name;

    @Override
    public void initialize(String catalogName, CaseInsensitiveStringMap options) {
        name = catalogName;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Identifier[] listFunctions(String[] namespace) {
        return new Identifier[] {Identifier.of(namespace, JUDGE)};
    }

    @Override
    public UnboundFunction loadFunction(Identifier identifier) throws NoSuchFunctionException {
        if (!identifier.name().equals(JUDGE)) {
            throw new NoSuchFunctionException(identifier);
        }
        return new Unbound();
    }

    private static final class Unbound implements UnboundFunction {
        private static final long serialVersionUID = 1;

        @Override
        public String name() {
            return JUDGE;
        }

        @Override
        public String description() {
            return "judge(key, value, headers, received_at, rules, inner_key, outer_key, outcome): see Judge";
        }

        @Override
        public BoundFunction bind(StructType inputType) {
            return new Judge(inputType);
        }
    }
}
