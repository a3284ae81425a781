import { SqlClient } from "@effect/sql/SqlClient"
import {
  Conflict,
  type OrganizationId,
  type PolicyInfo,
  PolicyList,
  type PolicyName,
  type SetPolicy
} from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { selectPage } from "../../base/database/paging.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable, transaction } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { Audit } from "../audit/Audit.ts"
import { publicDigest } from "../audit/publicDigest.ts"
import { checkedExpression } from "./checkedExpression.ts"
import { Policies } from "./Policies.ts"
import { policyLimits } from "./policyLimits.ts"
import { columns, decodePolicies, policyOf, selectPolicies } from "./policyRows.ts"

/** Like `accept`: a deployment that's accepted meanwhile sees all of a change or nothing. */
const lock = (organizationId: OrganizationId) =>
  Effect.flatMap(SqlClient, (sql) => sql`select 1 from organizations where id = ${organizationId} for no key update`)

const digestOf = ({ enforcement, expression, message, name }: PolicyInfo) =>
  publicDigest({ enforcement, expression, message, name })

/** Appends the entry of a change to the audit log, as the last step of the transaction that makes it. */
const audited = (
  organizationId: OrganizationId,
  name: PolicyName,
  before: PolicyInfo | undefined,
  after: PolicyInfo | undefined
) =>
  Effect.flatMap(Audit, (audit) =>
    audit.append({
      action: after === undefined ? "policies.remove" : "policies.set",
      outcome: "succeeded",
      status: after === undefined ? 204 : 200,
      subject: `policy ${name}`,
      organizationId,
      before: before === undefined ? undefined : digestOf(before),
      after: after === undefined ? undefined : digestOf(after)
    })
  ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))

const set = (organizationId: OrganizationId, name: PolicyName, { enforcement, expression, message }: SetPolicy) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* lock(organizationId)
    const present = yield* selectPolicies(organizationId)
    const others = present.filter((policy) => policy.name !== name)
    if (others.length >= policyLimits.policies) {
      return yield* new Conflict({
        detail: `The organization has ${policyLimits.policies} policies, which is the maximum. Remove one, or join two with &&. \`maxcloud policies list\` shows them.`
      })
    }
    yield* sql`
      insert into policies (organization_id, name, expression, message, enforcement)
      values (${organizationId}, ${name}, ${expression}, ${message ?? null}, ${enforcement})
      on conflict (organization_id, name) do update set expression = excluded.expression, message = excluded.message,
        enforcement = excluded.enforcement, updated_at = clock_timestamp()`
    const after = yield* policyOf(organizationId, name).pipe(Effect.catchTag("NotFound", Effect.die))
    yield* audited(
      organizationId,
      name,
      present.find((policy) => policy.name === name),
      after
    )
    return after
  })

const remove = (organizationId: OrganizationId, name: PolicyName) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* lock(organizationId)
    const before = yield* policyOf(organizationId, name)
    yield* sql`delete from policies where organization_id = ${organizationId} and name = ${name}`
    yield* audited(organizationId, name, before, undefined)
  })

const sorts = { name: [[`name collate "C"`, "text"]] } as const

/** `Policies` in the table `policies`. */
export const layer = Layer.effect(
  Policies,
  Effect.gen(function* () {
    const context = yield* contextWithoutRows<SqlClient | Audit>()
    const inOne = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      transaction(effect).pipe(orUnavailable, Effect.provide(context))
    return {
      page: (organizationId, paging) =>
        inOne(
          Effect.flatMap(SqlClient, (sql) =>
            selectPage(
              PolicyList,
              sorts,
              paging,
              ({ isAfter, key, order }) => sql`
                select ${sql.literal(columns)}, ${key} from policies
                where organization_id = ${organizationId} and ${isAfter} ${order}`,
              decodePolicies
            )
          )
        ),
      get: (organizationId, name) => inOne(policyOf(organizationId, name)),
      set: (organizationId, name, policy) =>
        Effect.andThen(checkedExpression(policy.expression), inOne(set(organizationId, name, policy))),
      remove: (organizationId, name) => inOne(remove(organizationId, name))
    }
  })
)
