package groups;

import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.api.RequestTypeEnum;
import ca.uhn.fhir.rest.api.RestOperationTypeEnum;
import ca.uhn.fhir.rest.api.server.IPreResourceAccessDetails;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import ca.uhn.fhir.rest.server.exceptions.ForbiddenOperationException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.hl7.fhir.instance.model.api.IBaseResource;

/** The rights of the three bearer tokens that every test upstream knows. */
@Interceptor
public final class TokenRights {
    private static final String ALL = "sandbox";
    private static final String READ_ONLY = "sandbox-read";
    private static final String HALF = "sandbox-other";

    /** Whether the token {@code sandbox-other} sees the group of this id: every second one. */
    private final Map<String, Boolean> shared = new ConcurrentHashMap<>();

    @Hook(Pointcut.SERVER_INCOMING_REQUEST_PRE_HANDLED)
    public void authorize(RequestDetails request, RestOperationTypeEnum operation) {
        if (operation == RestOperationTypeEnum.METADATA) {
            return;
        }
        String token = token(request);
        if (!Set.of(ALL, READ_ONLY, HALF).contains(token)) {
            throw new AuthenticationException("Authentication failed");
        }
        if (token.equals(READ_ONLY) && request.getRequestType() != RequestTypeEnum.GET) {
            throw new ForbiddenOperationException("Authorization failed");
        }
    }

    @Hook(Pointcut.STORAGE_PRECOMMIT_RESOURCE_CREATED)
    public void created(RequestDetails request, IBaseResource resource) {
        boolean visible = HALF.equals(token(request)) || shared.size() % 2 == 0;
        shared.put(resource.getIdElement().getIdPart(), visible);
    }

    @Hook(Pointcut.STORAGE_PREACCESS_RESOURCES)
    public void hide(RequestDetails request, IPreResourceAccessDetails resources) {
        if (!HALF.equals(token(request))) {
            return;
        }
        for (int index = 0; index < resources.size(); index++) {
            String id = resources.getResource(index).getIdElement().getIdPart();
            if (!shared.getOrDefault(id, false)) {
                resources.setDontReturnResourceAtIndex(index);
            }
        }
    }

    private static String token(RequestDetails request) {
        String header = request == null ? null : request.getHeader("Authorization");
        return header == null ? "" : header.replaceFirst("^Bearer ", "");
    }
}
