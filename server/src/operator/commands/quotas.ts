import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId, type Quotas as QuotaValues } from "@maxcloud/sdk/api"
import { Effect, Option, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { quotaForms } from "../../base/settings/limitSettings.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { Quotas } from "../../tenancy/limits/Quotas.ts"
import { OperatorError } from "./OperatorError.ts"
import type { OrganizationQuotas, QuotaName } from "./OrganizationQuotas.ts"

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName }))
)
type Found = ReturnType<typeof decodeOrganizations>[number]

/** The flags that name quotas to operators. */
const quotaFlags = {
  services: "services",
  instances: "instances",
  cpuMilli: "cpu",
  memoryBytes: "memory",
  deploymentsPerHour: "deployments-per-hour",
  sourceBytes: "sources",
  logBytes: "logs",
  streams: "streams"
} as const satisfies Record<QuotaName, string>
const isQuotaName = (name: string): name is QuotaName => Object.hasOwn(quotaFlags, name)
const quotaNames = Object.keys(quotaFlags).filter(isQuotaName)

const find = (name: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [found] = decodeOrganizations(
      yield* sql`select id, name from organizations where name = ${name} or id = ${name}`
    )
    if (found !== undefined) return found
    const all = decodeOrganizations(yield* sql`select id, name from organizations order by name`)
    return yield* new OperatorError({
      reason: "organization",
      message: `The organization "${name}" doesn't exist.`,
      organizations: all.map((each) => each.name)
    })
  })

const tell = ({ id, name }: Found) =>
  Effect.gen(function* () {
    const quotas = yield* Quotas
    return {
      organization: { id, name },
      quotas: yield* quotas.of(id),
      own: yield* quotas.own(id),
      use: yield* quotas.use(id)
    } satisfies OrganizationQuotas
  })

/** The quotas of one organization, or of all by name. */
export const listQuotas = (name: string | undefined) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const all =
      name === undefined
        ? decodeOrganizations(yield* sql`select id, name from organizations order by name`)
        : [yield* find(name)]
    return yield* Effect.forEach(all, tell)
  })

const read = (written: Partial<Record<QuotaName, string>>) =>
  Effect.gen(function* () {
    const read: Partial<Record<QuotaName, number>> = {}
    for (const name of quotaNames) {
      const text = written[name]
      if (text === undefined) continue
      const { help, read: readAmount } = quotaForms[name]
      const amount = readAmount(text)
      if (Option.isNone(amount)) {
        return yield* new OperatorError({
          reason: "quota",
          message: `--${quotaFlags[name]} "${text}" isn't valid: ${help}`
        })
      }
      read[name] = amount.value
    }
    return read
  })

const digestOf = (quotas: QuotaValues) => createHash("sha256").update(JSON.stringify(quotas)).digest("hex")

/**
 * Changes quotas and records that in the organization's audit log, in one transaction. Servers read them at each
 * deployment.
 */
const change = (action: string, name: string, values: Partial<QuotaValues>, words: string) =>
  transaction(
    Effect.gen(function* () {
      const organization = yield* find(name)
      const quotas = yield* Quotas
      const audit = yield* Audit
      const before = yield* quotas.own(organization.id)
      yield* quotas.set(organization.id, values)
      yield* audit.append({
        action,
        outcome: "succeeded",
        status: 200,
        subject: `quotas of ${organization.name}, by the operator: ${words}`,
        before: digestOf(before),
        after: digestOf({ ...before, ...values }),
        organizationId: organization.id
      })
      return yield* tell(organization)
    })
  )

/** Sets the named quotas, each written as in its setting (`64Gi`). The others stay. */
export const setQuotas = (name: string, written: Partial<Record<QuotaName, string>>) =>
  Effect.gen(function* () {
    const values = yield* read(written)
    const words = quotaNames.flatMap((quotaName) =>
      written[quotaName] === undefined ? [] : [`${quotaFlags[quotaName]} ${written[quotaName]}`]
    )
    if (words.length === 0) {
      return yield* new OperatorError({ reason: "quota", message: "No quota given. Name at least one." })
    }
    return yield* change("server.setQuotas", name, values, words.join(", "))
  })

/** Removes the named quotas of the organization, or all: the server's defaults apply again. */
export const unsetQuotas = (name: string, which: ReadonlyArray<QuotaName>) => {
  const names = which.length === 0 ? quotaNames : which
  return change(
    "server.unsetQuotas",
    name,
    Object.fromEntries(names.map((value) => [value, null])),
    `defaults again for ${names.map((value) => quotaFlags[value]).join(", ")}`
  )
}
