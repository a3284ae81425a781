import {
  type AppName,
  type ExternalTarget,
  type OrganizationName,
  productionStage,
  ServiceName,
  type StageName
} from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

/** An app and stage of an organization, and what sets tenants' namespaces apart from the cluster's own. */
export interface Place {
  readonly organization: OrganizationName
  readonly app: AppName
  readonly stage: StageName
  /** The prefix of tenants' namespaces, such as `mc-`; empty if they have none. */
  readonly namespacePrefix: string
}

/** The names in a host. The organization comes last, so all hosts of a tenant end alike. */
type HostPlace = Omit<Place, "namespacePrefix">

/** A host label and a namespace's name are DNS labels (RFC 1035, 2.3.4). */
export const maxLabelLength = 63

/** Separates names. No name has it: an app `a-b` of `c` and an app `a` of `b-c` stay apart. */
const separator = "--"

/** Separates a tag from a host. No name begins with "-", so it isn't a `separator` and the name behind it. */
const tagSeparator = "---"

/** As hosts and namespaces name an app and stage: `<app>--<org>` for production, `<app>--<stage>--<org>` else. */
const placeNameOf = ({ app, organization, stage }: HostPlace) =>
  [app, ...(stage === productionStage ? [] : [stage]), organization].join(separator)

/** Namespace of an app and stage: `<prefix><app>--<org>` for production, `<prefix><app>--<stage>--<org>` else. */
export const namespaceOf = (place: Place) => `${place.namespacePrefix}${placeNameOf(place)}`

/**
 * First label of a service's public host. In production it is `<app>--<org>` for the service that is named like its app, and
 * `<service>--<app>--<org>` for others. In any other stage it is always `<service>--<app>--<stage>--<org>`. The number of parts decides, so no
 * two services share a host. A tag stands in front: `<tag>---`. The prefix of namespaces is not in it.
 */
export const hostLabelOf = (service: ServiceName, place: HostPlace, tag?: string) => {
  const isShort = place.stage === productionStage && service === ServiceName.make(place.app)
  const label = isShort ? placeNameOf(place) : `${service}${separator}${placeNameOf(place)}`
  return tag === undefined ? label : `${tag}${tagSeparator}${label}`
}

/** The most characters that a service's name may have here, for its host label to fit. May be less than one. */
export const maxServiceNameLength = (place: HostPlace) => maxLabelLength - separator.length - placeNameOf(place).length

/** Public URL of a service, without a slash at its end. */
export const publicUrlOf = (service: ServiceName, tenant: TenantContext) =>
  `${tenant.scheme}://${hostLabelOf(service, tenant)}.${tenant.domain}${tenant.port === undefined ? "" : `:${tenant.port}`}`

/** The host by which callers inside reach a service: Knative's cluster-local name. The local runtime uses a loopback listener instead. */
export const internalHostOf = (service: ServiceName, place: Place) =>
  `${service}.${namespaceOf(place)}.svc.cluster.local`

/** Where another app of the same organization is. */
export const placeOfApp = ({ app, stage }: Omit<ExternalTarget, "service">, place: Place): Place => ({
  organization: place.organization,
  namespacePrefix: place.namespacePrefix,
  app,
  stage
})

/** How a service of another app is written where callers say whom they may call. */
export const externalMark = (service: ServiceName, place: Place) => `${namespaceOf(place)}/${service}`

/** The namespace's Secret with the organization's credentials for registries. No service's Secret has this name: theirs begin with the service's. */
export const pullSecretName = "maxcloud--registry"
