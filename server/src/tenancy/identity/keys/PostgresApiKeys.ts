import { SqlClient } from "@effect/sql/SqlClient"
import {
  type ApiKeyId,
  type ApiKeyInfo,
  type CreateApiKey,
  Forbidden,
  type NewApiKey,
  NotFound,
  type UserId
} from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { databaseMillis } from "../../../base/database/databaseMillis.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { transaction } from "../../../base/database/sqlErrors.ts"
import type { Caller } from "../../access/Caller.ts"
import { effectiveRole, mayGive } from "../../access/policy.ts"
import { Audit } from "../../audit/Audit.ts"
import { whereAway } from "../whereAway.ts"
import { ApiKeys } from "./ApiKeys.ts"
import { insertKey, type KeyRow, keyInfo, newPrefix, selectKeys } from "./keyRows.ts"
import { publicDigest } from "./publicDigest.ts"

/** `ApiKeys` in the table `api_keys`. `prefixes`: where the public beginnings of keys come from. */
export const layerWith = (prefixes: () => string) =>
  Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      // The makers' addresses stand in a table that belongs to no organization; each query names the organization itself.
      const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
        asServer(Effect.provideService(transaction(effect), SqlClient, sql))

      const shown = (caller: Caller, id: ApiKeyId, lock: boolean) =>
        Effect.flatMap(selectKeys(sql, caller.organization.id, id, lock), ([row]) =>
          row !== undefined && sees(caller, row) ? Effect.succeed(row) : notFound(id)
        )

      const write = (caller: Caller, key: Omit<Parameters<typeof insertKey>[1], "organizationId">) =>
        Effect.gen(function* () {
          const { id, token } = yield* insertKey(sql, { ...key, organizationId: caller.organization.id }, prefixes)
          const [row] = yield* selectKeys(sql, caller.organization.id, id)
          if (row === undefined) return yield* Effect.dieMessage(`the key ${id} was not written`)
          return { apiKey: keyInfo(row), secret: token } satisfies NewApiKey
        })

      /** A key that ends makes none that goes on after it. */
      const checkEnd = ({ credential, organization }: Caller, expiresAt: Date | null) =>
        Effect.gen(function* () {
          if (credential.type !== "key") return
          const [own] = yield* selectKeys(sql, organization.id, credential.id)
          const end = own?.expires_at ?? null
          if (end !== null && (expiresAt === null || expiresAt > end)) {
            return yield* new Forbidden({
              detail: `a key is never more than its maker: the one that asks ends at ${end.toISOString()}, so give the new one an end before that (expiresInSeconds)`
            })
          }
        })

      const list = Effect.fn("ApiKeys.list")((caller: Caller) =>
        selectKeys(sql, caller.organization.id).pipe(
          Effect.map((rows) => rows.filter((row) => sees(caller, row)).map(keyInfo)),
          asServer,
          whereAway
        )
      )

      const create = Effect.fn("ApiKeys.create")(function* (caller: Caller, input: CreateApiKey) {
        const createdBy = yield* makerOf(caller)
        const role = input.role ?? effectiveRole(caller)
        if (!mayGive(caller.roles, role)) {
          return yield* new Forbidden({
            detail: `a key is never more than its maker: you are ${effectiveRole(caller)} of "${caller.organization.name}", so leave the role out, or name a lesser one than ${role}`
          })
        }
        const now = yield* asServer(databaseMillis(sql))
        const expiresAt = input.expiresInSeconds === undefined ? null : new Date(now + input.expiresInSeconds * 1000)
        return yield* inTransaction(
          Effect.gen(function* () {
            yield* checkEnd(caller, expiresAt)
            const made = yield* write(caller, { name: input.name, role, scopes: input.scopes, createdBy, expiresAt })
            yield* audit.append({
              action: "auth.createApiKey",
              outcome: "succeeded",
              status: 201,
              subject: subjectOf(made.apiKey),
              after: digestOf(made.apiKey)
            })
            return made
          })
        )
      }, whereAway)

      const rotate = Effect.fn("ApiKeys.rotate")(function* (caller: Caller, id: ApiKeyId, overlapSeconds: number) {
        const rotatedBy = yield* makerOf(caller)
        const now = yield* asServer(databaseMillis(sql))
        return yield* inTransaction(
          Effect.gen(function* () {
            const old = yield* shown(caller, id, true)
            yield* checkRotation(caller, rotatedBy, old, now)
            yield* checkEnd(caller, old.expires_at)
            const expiresAt = endOfSuccessor(caller, old, now)
            const made = yield* write(caller, {
              name: old.name,
              role: old.role,
              scopes: old.scopes,
              createdBy: old.created_by,
              expiresAt
            })
            const end = new Date(
              Math.min(old.expires_at?.getTime() ?? Number.POSITIVE_INFINITY, now + overlapSeconds * 1000)
            )
            yield* sql`
              update api_keys set expires_at = ${end}, replaced_by = ${made.apiKey.id}
              where organization_id = ${caller.organization.id} and id = ${id}`
            yield* audit.append({
              action: "auth.rotateApiKey",
              outcome: "succeeded",
              status: 201,
              subject: `${subjectOf(keyInfo(old))}, now ${made.apiKey.prefix}`,
              before: digestOf(keyInfo(old)),
              after: digestOf(made.apiKey)
            })
            return made
          })
        )
      }, whereAway)

      const remove = Effect.fn("ApiKeys.remove")(
        (caller: Caller, id: ApiKeyId) =>
          inTransaction(
            Effect.gen(function* () {
              const row = yield* shown(caller, id, true)
              yield* sql`delete from api_keys where organization_id = ${caller.organization.id} and id = ${id}`
              yield* audit.append({
                action: "auth.deleteApiKey",
                outcome: "succeeded",
                status: 204,
                subject: subjectOf(keyInfo(row)),
                before: digestOf(keyInfo(row))
              })
            })
          ),
        whereAway
      )

      return { create, list, remove, rotate }
    })
  )

export const layer = layerWith(newPrefix)

const subjectOf = ({ name, prefix }: { readonly name: string; readonly prefix: string }) =>
  `API key ${name} (${prefix})`

/** What a key says, but not when it was used, nor by whom: the log keeps no address of anybody outside what is sealed. */
const digestOf = ({ createdBy, lastUsedAt, ...said }: ApiKeyInfo) => publicDigest(said)

const notFound = (id: ApiKeyId) =>
  new NotFound({
    resource: "apiKey",
    name: id,
    detail: `there is no API key ${id} among those that you see: \`maxcloud auth api-keys list\` shows them`
  })

/** Admins see every key; others those that they made; a credential without a person itself. */
const sees = (caller: Caller, row: Pick<KeyRow, "id" | "created_by">): boolean => {
  const role = effectiveRole(caller)
  if (role === "owner" || role === "admin") return true
  return caller.person !== undefined
    ? row.created_by === caller.person.id
    : caller.credential.type === "key" && caller.credential.id === row.id
}

/** Whose the keys are that the caller makes; null: nobody's, of the organization that needs no credential. */
const makerOf = ({ credential, person, scopes }: Caller): Effect.Effect<UserId | null, Forbidden> => {
  if (scopes !== undefined) {
    return refuse(
      `this credential is narrowed to ${scopes.join(", ")}, and makes no keys: use one that is not, or run \`maxcloud auth login\``
    )
  }
  if (credential.type === "oidc") {
    return refuse(
      "a token of an issuer makes no keys, which would outlive it: sign in with `maxcloud auth login`, or use the token itself"
    )
  }
  return Effect.succeed(person?.id ?? null)
}

/**
 * A person gives a key's successor the time that the key had from its beginning; a key gives no more than is left: it would go on for ever by
 * its own doing.
 */
const endOfSuccessor = ({ credential }: Caller, { created_at, expires_at }: KeyRow, now: number) =>
  expires_at === null || credential.type === "key"
    ? expires_at
    : new Date(now + expires_at.getTime() - created_at.getTime())

/** Who rotates a key has it afterwards, and acts as its maker. */
const checkRotation = (caller: Caller, rotatedBy: UserId | null, old: KeyRow, now: number) => {
  if (old.created_by !== rotatedBy) {
    return refuse(
      `a key acts for its maker, so only ${old.email ?? "who made it"} rotates it: delete it, and create one of your own`
    )
  }
  if (!mayGive(caller.roles, old.role)) {
    return refuse(
      `this key has the role ${old.role}, and you are ${effectiveRole(caller)}: delete it, and create a key with a role that you have`
    )
  }
  if (old.replaced_by !== null) {
    return refuse(`this key has been rotated already: rotate its successor ${old.replaced_by}, or create a new key`)
  }
  if (old.expires_at !== null && old.expires_at.getTime() <= now) {
    return refuse(`this key expired at ${old.expires_at.toISOString()}: create a new one`)
  }
  return Effect.void
}

const refuse = (detail: string) => Effect.fail(new Forbidden({ detail }))
