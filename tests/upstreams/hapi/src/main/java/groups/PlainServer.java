package groups;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.server.FifoMemoryPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.HashMapResourceProvider;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Practitioner;

/** HAPI's REST server with its own paging, over groups in memory. */
public final class PlainServer {
    private static final int PAGE = 10;
    private static final int LARGEST_PAGE = 50;
    private static final int KEPT_SEARCHES = 1000;

    private PlainServer() {}

    public static void main(String[] arguments) throws Exception {
        FhirContext context = FhirContext.forR4();
        RestfulServer server = new RestfulServer(context);
        server.registerProvider(new GroupProvider(context));
        server.registerProvider(new HashMapResourceProvider<>(context, Patient.class));
        server.registerProvider(new HashMapResourceProvider<>(context, Practitioner.class));
        server.registerInterceptor(new TokenRights());
        server.setPagingProvider(new FifoMemoryPagingProvider(KEPT_SEARCHES)
                .setDefaultPageSize(PAGE)
                .setMaximumPageSize(LARGEST_PAGE));
        Serving.serve(server, arguments);
    }
}
