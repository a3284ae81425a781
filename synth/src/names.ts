import {
  type AppName,
  type ExternalTarget,
  type OrganizationName,
  productionStage,
  ServiceName,
  type StageName
} from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

/** An app and stage of an organization, with the prefix of tenants' namespaces. */
export interface Place {
  readonly organization: OrganizationName
  readonly app: AppName
  readonly stage: StageName
  /** The prefix of tenants' namespaces, such as `mc-`; empty if they have none. */
  readonly namespacePrefix: string
}

/** The names in a host. The organization comes last, so all hosts of a tenant have the same suffix. */
type HostPlace = Omit<Place, "namespacePrefix">

/** A host label and a namespace's name are DNS labels (RFC 1035, 2.3.4). */
export const maxLabelLength = 63

/** Separates names. No name contains it, so an app `a-b` of `c` and an app `a` of `b-c` stay distinct. */
const separator = "--"

/** Separates a tag from a host. No name starts with "-", so it can't be a `separator` followed by a name. */
const tagSeparator = "---"

/** The form of an app and stage in hosts and namespaces: `<app>--<org>` for production, else `<app>--<stage>--<org>`. */
const placeNameOf = ({ app, organization, stage }: HostPlace) =>
  [app, ...(stage === productionStage ? [] : [stage]), organization].join(separator)

/** The namespace of an app and stage: `<prefix><app>--<org>` for production, else `<prefix><app>--<stage>--<org>`. */
export const namespaceOf = (place: Place) => `${place.namespacePrefix}${placeNameOf(place)}`

/**
 * The first label of a service's public host. In production it is `<app>--<org>` for the service with the app's name, and
 * `<service>--<app>--<org>` for others. In any other stage it is always `<service>--<app>--<stage>--<org>`. The number of parts differs, so no two
 * services share a host. A tag is prepended: `<tag>---`. The prefix of namespaces isn't part of it.
 */
export const hostLabelOf = (service: ServiceName, place: HostPlace, tag?: string) => {
  const isShort = place.stage === productionStage && service === ServiceName.make(place.app)
  const label = isShort ? placeNameOf(place) : `${service}${separator}${placeNameOf(place)}`
  return tag === undefined ? label : `${tag}${tagSeparator}${label}`
}

/** The maximum length of a service's name here, so that its host label fits. May be less than one. */
export const maxServiceNameLength = (place: HostPlace) => maxLabelLength - separator.length - placeNameOf(place).length

/** The public URL of a service, without a trailing slash. */
export const publicUrlOf = (service: ServiceName, tenant: TenantContext) =>
  `${tenant.scheme}://${hostLabelOf(service, tenant)}.${tenant.domain}${tenant.port === undefined ? "" : `:${tenant.port}`}`

/** The internal host of a service: Knative's cluster-local name. The local runtime uses a loopback listener instead. */
export const internalHostOf = (service: ServiceName, place: Place) =>
  `${service}.${namespaceOf(place)}.svc.cluster.local`

/** The app and stage of another app of the same organization. */
export const placeOfApp = ({ app, stage }: Omit<ExternalTarget, "service">, place: Place): Place => ({
  organization: place.organization,
  namespacePrefix: place.namespacePrefix,
  app,
  stage
})

/** The notation for a service of another app in a caller's annotation. */
export const externalMark = (service: ServiceName, place: Place) => `${namespaceOf(place)}/${service}`

/** The namespace's Secret with the organization's credentials for registries. No service's Secret has this name, since theirs start with the service's. */
export const pullSecretName = "maxcloud--registry"
