package groups;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.annotation.ConditionalUrlParam;
import ca.uhn.fhir.rest.annotation.OptionalParam;
import ca.uhn.fhir.rest.annotation.RequiredParam;
import ca.uhn.fhir.rest.annotation.ResourceParam;
import ca.uhn.fhir.rest.annotation.Search;
import ca.uhn.fhir.rest.annotation.Update;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.param.ReferenceParam;
import ca.uhn.fhir.rest.param.TokenOrListParam;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.provider.HashMapResourceProvider;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Group;

/** HAPI's provider in memory, with the searches of a group that it leaves open, and `If-Match`. */
public final class GroupProvider extends HashMapResourceProvider<Group> {
    GroupProvider(FhirContext context) {
        super(context, Group.class);
    }

    @Search
    public synchronized List<IBaseResource> searchByType(
            @RequiredParam(name = Group.SP_TYPE) TokenOrListParam types,
            @OptionalParam(name = Group.SP_MEMBER) ReferenceParam member,
            RequestDetails request) {
        List<Group> found = getAllResources().stream()
                .filter(group -> types.getValuesAsQueryTokens().stream()
                        .anyMatch(type -> type.getValue().equals(group.getType().toCode())))
                .filter(group -> member == null || has(group, member))
                .toList();
        return fireInterceptorsAndFilterAsNeeded(found, request);
    }

    @Search
    public synchronized List<IBaseResource> searchByMember(
            @RequiredParam(name = Group.SP_MEMBER) ReferenceParam member, RequestDetails request) {
        List<Group> found =
                getAllResources().stream().filter(group -> has(group, member)).toList();
        return fireInterceptorsAndFilterAsNeeded(found, request);
    }

    /** Update on condition of the version that the request's {@code If-Match} names, if any. */
    @Override
    @Update
    public synchronized MethodOutcome update(
            @ResourceParam Group group, @ConditionalUrlParam String condition, RequestDetails request) {
        String expected = request.getId().getVersionIdPart();
        Map<Long, Group> versions =
                myIdToVersionToResourceMap.get(group.getIdElement().getIdPart());
        if (request.getHeader("If-Match") != null
                && (versions == null || !versions.containsKey(Long.valueOf(expected))
                        || versions.size() != Integer.parseInt(expected))) {
            throw new PreconditionFailedException("The group has another version than " + expected);
        }
        return super.update(group, condition, request);
    }

    private static boolean has(Group group, ReferenceParam member) {
        return group.getMember().stream()
                .anyMatch(each -> each.getEntity().getReference().equals(member.getValue()));
    }
}
