import { namespaceOf, type TenantContext } from "@maxcloud/synth"
import { Context } from "effect"
import { ownRuntime } from "../../base/settings/runtimeClasses.ts"
import type { Target } from "../../base/words/Target.ts"
import type { NamespaceKey } from "./Runtime.ts"

/**
 * How this platform forms public URLs, and the rules that it enforces: the part of a tenant's context that is the same for all.
 * Its ranges change while the server runs, with the cluster's, so read them where you use them. `PlatformKey` has the ranges of
 * one moment.
 */
export class Platform extends Context.Tag("@maxcloud/server/Platform")<
  Platform,
  Pick<
    TenantContext,
    | "namespacePrefix"
    | "domain"
    | "scheme"
    | "port"
    | "podSecurity"
    | "runtimeClass"
    | "closedRanges"
    | "privateRanges"
    | "externalSecrets"
    | "manifestRules"
    | "pullPeriod"
  > & {
    /** Runtime classes of organizations, by their ids or names, instead of `runtimeClass`; `none` for the cluster's own. */
    readonly runtimeClasses?: Readonly<Record<string, string>> | undefined
    /** The unknown part of the cluster's own addresses, as a clause. While there is one, no private range is opened. */
    readonly unknownRanges?: string | undefined
  }
>() {}

export const namespaceKeyOf = (
  { app, organization, stage }: Target,
  { namespacePrefix }: Pick<Platform["Type"], "namespacePrefix">
): NamespaceKey => ({
  organizationId: organization.id,
  organization: organization.name,
  app,
  stage,
  namespace: namespaceOf({ organization: organization.name, app, stage, namespacePrefix })
})

const runtimeClassOf = (
  { organization, organizationId }: Pick<NamespaceKey, "organization" | "organizationId">,
  { runtimeClass, runtimeClasses = {} }: Platform["Type"]
) => {
  const key = [organizationId, organization].find((one) => Object.hasOwn(runtimeClasses, one))
  const own = key === undefined ? undefined : runtimeClasses[key]
  return own === undefined ? runtimeClass : own === ownRuntime ? undefined : own
}

export const tenantOf = (
  {
    app,
    organization,
    organizationId,
    stage
  }: Pick<TenantContext, "organization" | "app" | "stage"> & Pick<NamespaceKey, "organizationId">,
  platform: Platform["Type"],
  known: Partial<
    Pick<TenantContext, "secretVersions" | "images" | "pausedServices" | "restarts" | "pullSecret" | "externalSecrets">
  > = {}
): TenantContext => ({
  organization,
  app,
  stage,
  ...platform,
  runtimeClass: runtimeClassOf({ organization, organizationId }, platform),
  secretVersions: new Map(),
  images: new Map(),
  pausedServices: new Set(),
  pullSecret: false,
  ...known
})
