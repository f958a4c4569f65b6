package groups;

import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** HAPI's JPA server, as the official starter sets it up, on H2 in memory. */
public final class JpaServer {
    private JpaServer() {}

    public static void main(String[] arguments) throws Exception {
        @SuppressWarnings("resource") // it lives as long as the process
        AnnotationConfigApplicationContext beans =
                new AnnotationConfigApplicationContext(JpaSettings.class);
        IFhirSystemDao<?, ?> dao = beans.getBean(IFhirSystemDao.class);
        RestfulServer server = new RestfulServer(dao.getContext());
        server.registerProviders(
                beans.getBean(ResourceProviderFactory.class).createProviders());
        server.setServerConformanceProvider(new JpaCapabilityStatementProvider(
                server,
                dao,
                beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class),
                beans.getBean(IValidationSupport.class)));
        server.setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
        server.registerInterceptor(new TokenRights());
        Serving.serve(server, arguments);
    }
}
