import { Schema } from "effect"

/** Optional features that a server may have. docs/compatibility.md explains each. */
export const Feature = Schema.Literal("idempotency", "manifests", "organizations", "plans", "policies", "webhooks")
export type Feature = typeof Feature.Type
