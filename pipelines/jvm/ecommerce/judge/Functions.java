package ecommerce.judge;

import java.util.Map;
import java.util.function.Function;
import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Makes {@link Judge} and {@link EnrichedJson} known to Spark SQL, as functions of the catalogue that names this class. */
public final class Functions implements FunctionCatalog {
    private static final Map<String, Function<StructType, BoundFunction>> FUNCTIONS =
            Map.of("judge", Judge::new, "enriched_json", EnrichedJson::new);

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
        return FUNCTIONS.keySet().stream().map(each -> Identifier.of(namespace, each)).toArray(Identifier[]::new);
    }

    @Override
    public UnboundFunction loadFunction(Identifier identifier) throws NoSuchFunctionException {
        if (!FUNCTIONS.containsKey(identifier.name())) {
            throw new NoSuchFunctionException(identifier);
        }
        return new Unbound(identifier.name());
    }

    private record Unbound(String name) implements UnboundFunction {
        @Override
        public String description() {
            return "see the class of that name in pipelines/jvm";
        }

        @Override
        public BoundFunction bind(StructType inputType) {
            return FUNCTIONS.get(name).apply(inputType);
        }
    }
}
