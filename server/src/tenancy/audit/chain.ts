import { createHash } from "node:crypto"
import { type AuditRecord, auditGenesis, canonicalJson, type OrganizationId } from "@maxcloud/sdk/api"
import type { Effect } from "effect"
import { asOrganization, asServer } from "../../base/database/RowScope.ts"

/** An organization's chain, or the one for events outside of any. */
export type Chain = OrganizationId | "server"

/** Runs with the rows of the chain. */
export const inChain = (chain: Chain): (<A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
  chain === "server" ? asServer : asOrganization(chain)

export const genesis: Uint8Array = Buffer.from(auditGenesis, "hex")

/** SHA-256 over the previous hash and the record in canonical form. */
export const hashOf = (previous: Uint8Array, record: AuditRecord): Buffer =>
  createHash("sha256").update(previous).update(canonicalJson(record), "utf8").digest()
