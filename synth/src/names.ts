import type { OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

/** An organization and stage, and what sets tenants' namespaces apart from the cluster's own. */
export interface Place {
  readonly organization: OrganizationName
  readonly stage: StageName
  /** The prefix of tenants' namespaces, such as `mc-`; empty if they have none. */
  readonly namespacePrefix: string
}

/** As hosts name an organization and stage: `<org>` for production, `<stage>--<org>` else. 62 characters at most, by the names' own limits. */
export const placeNameOf = ({ organization, stage }: Pick<Place, "organization" | "stage">) =>
  stage === "production" ? organization : `${stage}--${organization}`

/** Namespace of an organization and stage: `<prefix><org>` for production, `<prefix><stage>--<org>` else. */
export const namespaceOf = (place: Place) => `${place.namespacePrefix}${placeNameOf(place)}`

/** A namespace's name is a DNS label (RFC 1123). */
export const maxNamespaceLength = 63

/** First label of a service's public host, `<service>--<org>` or `<service>--<stage>--<org>`: the prefix of namespaces is not in it. */
export const hostLabelOf = (service: ServiceName, place: Pick<Place, "organization" | "stage">) =>
  `${service}--${placeNameOf(place)}`

/** The most characters that a service's name may have here, for its host label to have 63 (RFC 1035, 2.3.4). */
export const maxServiceNameLength = (place: Pick<Place, "organization" | "stage">) =>
  63 - "--".length - placeNameOf(place).length

/** Public URL of a service, without a slash at its end. */
export const publicUrlOf = (service: ServiceName, tenant: TenantContext) =>
  `${tenant.scheme}://${hostLabelOf(service, tenant)}.${tenant.domain}${tenant.port === undefined ? "" : `:${tenant.port}`}`

/** The host by which callers inside reach a service: Knative's cluster-local name. The local runtime uses a loopback listener instead. */
export const internalHostOf = (service: ServiceName, place: Place) =>
  `${service}.${namespaceOf(place)}.svc.cluster.local`

/** The namespace's Secret with the organization's credentials for registries. No service's Secret has this name: theirs begin with the service's. */
export const pullSecretName = "maxcloud--registry"
