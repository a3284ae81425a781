import type { OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

type Place = Pick<TenantContext, "organization" | "stage">

/** Namespace of an organization and stage: `<org>` for production, `<stage>--<org>` else. 62 characters at most, by the names' own limits. */
export const namespaceOf = ({
  organization,
  stage
}: {
  readonly organization: OrganizationName
  readonly stage: StageName
}) => (stage === "production" ? organization : `${stage}--${organization}`)

/** First label of a service's public host: `<service>--<org>` or `<service>--<stage>--<org>` (Knative domain template `{{.Name}}--{{.Namespace}}`). */
export const hostLabelOf = (service: ServiceName, place: Place) => `${service}--${namespaceOf(place)}`

/** The most characters that a service's name may have here, for its host label to have 63 (RFC 1035, 2.3.4). */
export const maxServiceNameLength = (place: Place) => 63 - "--".length - namespaceOf(place).length

/** Public URL of a service, without a slash at its end. */
export const publicUrlOf = (service: ServiceName, tenant: TenantContext) =>
  `${tenant.scheme}://${hostLabelOf(service, tenant)}.${tenant.domain}${tenant.port === undefined ? "" : `:${tenant.port}`}`

/** Host by which callers inside reach a service: Knative's cluster-local name. The local runtime puts a loopback listener in its place. */
export const internalHostOf = (service: ServiceName, place: Place) =>
  `${service}.${namespaceOf(place)}.svc.cluster.local`

/** The namespace's Secret with the organization's credentials for registries. No service's Secret has such a name: theirs begin with the service's. */
export const pullSecretName = "maxcloud--registry"
