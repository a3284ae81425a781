import type { SqlClient } from "@effect/sql/SqlClient"
import { type ApiKeyId, type ApiKeyInfo, type NewApiKey, NotFound } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Caller } from "../../access/Caller.ts"
import { publicDigest } from "../../audit/publicDigest.ts"
import { insertKey, keyInfo, selectKeys } from "./keyRows.ts"
import { sees } from "./keyRules.ts"

export const subjectOf = ({ name, prefix }: { readonly name: string; readonly prefix: string }) =>
  `API key ${name} (${prefix})`

/** Digest of a key's settings, without its use and creator: the log has no address outside the sealed part. */
export const digestOf = ({ createdBy, lastUsedAt, ...said }: ApiKeyInfo) => publicDigest(said)

const notFound = (id: ApiKeyId) =>
  new NotFound({
    resource: "apiKey",
    resourceName: id,
    detail: `there's no API key ${id} among those that you can see. \`maxcloud auth api-keys list\` shows them`
  })

/** A key that the caller can see, locked until the transaction ends. */
export const lockSeen = (sql: SqlClient, caller: Caller, id: ApiKeyId) =>
  Effect.flatMap(selectKeys(sql, caller.organization.id, id, true), ([row]) =>
    row !== undefined && sees(caller, row) ? Effect.succeed(row) : notFound(id)
  )

/** `prefixes`: generates the public prefixes of keys. */
export const writeKey = (
  sql: SqlClient,
  prefixes: () => string,
  { organization }: Caller,
  key: Omit<Parameters<typeof insertKey>[1], "organizationId">
) =>
  Effect.gen(function* () {
    const { id, token } = yield* insertKey(sql, { ...key, organizationId: organization.id }, prefixes)
    const [row] = yield* selectKeys(sql, organization.id, id)
    if (row === undefined) return yield* Effect.dieMessage(`couldn't store the key ${id}`)
    return { apiKey: keyInfo(row), secret: token } satisfies NewApiKey
  })
