import type { ServiceSpec } from "@maxcloud/config-schema"
import { label } from "./annotations.ts"
import type { TenantContext } from "./tenant.ts"

const managed = { "app.kubernetes.io/managed-by": "maxcloud" } as const

/** Labels of objects that belong to an app and stage as a whole. */
export const namespaceLabels = (tenant: TenantContext): Readonly<Record<string, string>> => ({
  ...managed,
  "app.kubernetes.io/part-of": tenant.app,
  [label.organization]: tenant.organization,
  [label.app]: tenant.app,
  [label.stage]: tenant.stage
})

/** Labels of a service's objects and pods: ours, and the user's own. */
export const serviceLabels = (service: ServiceSpec, tenant: TenantContext): Readonly<Record<string, string>> => ({
  ...service.labels,
  ...namespaceLabels(tenant),
  "app.kubernetes.io/name": service.name,
  [label.service]: service.name
})
