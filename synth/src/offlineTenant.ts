import { type AppSpec, OrganizationName, productionStage, type StageName, secretsOf } from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

/**
 * The tenant without a server (`maxcloud synth`): organization `local` at `http://….localhost:8080`, every secret of the spec at version 1,
 * namespaces without a prefix as in the local runtime, and no facts about images.
 */
export const offlineTenant = (
  spec: AppSpec,
  {
    organization = OrganizationName.make("local"),
    stage = productionStage,
    namespacePrefix = ""
  }: { readonly organization?: OrganizationName; readonly stage?: StageName; readonly namespacePrefix?: string } = {}
): TenantContext => ({
  organization,
  app: spec.app,
  stage,
  namespacePrefix,
  domain: "localhost",
  scheme: "http",
  port: 8080,
  secretVersions: new Map(spec.services.flatMap(secretsOf).map((value) => [value, 1])),
  podSecurity: "baseline",
  images: new Map(),
  runtimeClass: undefined,
  pausedServices: new Set(),
  pullSecret: false,
  // Only the server knows which of them its platform opens, and refuses the others.
  privateRanges: ["0.0.0.0/0"],
  manifestRules: "all"
})
