import type { AppName, ServiceSpec } from "@maxcloud/config-schema"
import { label } from "./annotations.ts"
import type { TenantContext } from "./tenant.ts"

const managed = { "app.kubernetes.io/managed-by": "maxcloud" } as const

/** Labels of objects that belong to an organization and stage as a whole. */
export const namespaceLabels = (tenant: TenantContext): Readonly<Record<string, string>> => ({
  ...managed,
  [label.organization]: tenant.organization,
  [label.stage]: tenant.stage
})

/** Labels of a service's objects and pods: ours, and the user's own. */
export const serviceLabels = (
  app: AppName,
  service: ServiceSpec,
  tenant: TenantContext
): Readonly<Record<string, string>> => ({
  ...service.labels,
  ...namespaceLabels(tenant),
  "app.kubernetes.io/name": service.name,
  "app.kubernetes.io/part-of": app,
  [label.app]: app,
  [label.service]: service.name
})
