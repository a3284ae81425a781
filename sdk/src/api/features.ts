import { Schema } from "effect"

/** What a server can do, beyond what each one can. docs/compatibility.md says what each word means. */
export const Feature = Schema.Literal("idempotency", "manifests", "organizations", "plans", "policies", "webhooks")
export type Feature = typeof Feature.Type
