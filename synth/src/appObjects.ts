import {
  type AppObject,
  type AppSpec,
  isAllowed,
  isAllowedKind,
  leavesOfObject,
  type ManifestRules
} from "@maxcloud/config-schema"
import { namespaceLabels } from "./labels.ts"
import type { Manifest } from "./manifest.ts"
import { namespaceOf } from "./names.ts"
import type { TenantContext } from "./tenant.ts"

const isPermitted = (object: AppObject, rules: ManifestRules) =>
  isAllowedKind(rules, object.kind) && leavesOfObject(object).every(({ steps }) => isAllowed(rules, object.kind, steps))

/**
 * The app's own objects, as far as the operator allows them, with the platform's labels and in the app's namespace. Empty for an app without
 * services, because it is being destroyed.
 */
export const appObjects = (spec: AppSpec, tenant: TenantContext): ReadonlyArray<Manifest> =>
  spec.services.length === 0
    ? []
    : (spec.manifests ?? [])
        .filter((object) => isPermitted(object, tenant.manifestRules ?? []))
        .map(
          ({ apiVersion, kind, metadata: { annotations, labels, name }, ...rest }): Manifest => ({
            apiVersion,
            kind,
            metadata: {
              name,
              namespace: namespaceOf(tenant),
              labels: { ...labels, ...namespaceLabels(tenant) },
              ...(annotations === undefined ? {} : { annotations })
            },
            ...rest
          })
        )
