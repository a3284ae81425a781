import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../../base/database/newId.ts"
import { notifying } from "../../../base/database/notifying.ts"
import { sha256Hex } from "../../../base/words/sha256Hex.ts"
import { unsetAll } from "../../../stores/secrets/addVersions.ts"
import { versionsFromStore } from "../../../stores/secrets/externalSecrets.ts"
import { generateMissing } from "../../../stores/secrets/generateMissing.ts"
import { CurrentOperation } from "../../../tenancy/access/Caller.ts"
import { Audit } from "../../../tenancy/audit/Audit.ts"
import { Quotas } from "../../../tenancy/limits/Quotas.ts"
import { policiesStamp } from "../../../tenancy/policies/policyRows.ts"
import { noteCarriedOut } from "../../../tenancy/repeats/KeyedRequest.ts"
import { acceptedServices } from "../diff/acceptedServices.ts"
import { changesBetween, versionsOf } from "../diff/changes.ts"
import { inTurns } from "../queue/turns.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { appendEvents } from "../records/deploymentRows.ts"
import { endSuspension } from "../suspension/suspensionRows.ts"
import { linkProblems, saveLinks } from "../validate/appLinks.ts"
import { type AcceptInput, Outrun } from "./acceptInput.ts"
import { insertDeployment, insertProgress, supersedeQueued, upsertServices } from "./acceptRows.ts"
import { checkPlan, PlanMoved } from "./boundPlan.ts"

const decodeDeletion = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ delete_after: Schema.NullOr(Schema.DateFromSelf) }))
)

/** The entries of the audit log: the deployment, and each policy that it passed over. `before`: the spec that it replaces. */
const recordAcceptance = (input: AcceptInput, number: number, before: unknown) =>
  Effect.gen(function* () {
    const audit = yield* Audit
    const { app, organization, stage } = input
    const subject = `deployment ${number} of ${app}/${stage}`
    const entry = {
      action: (yield* CurrentOperation) ?? "apps.deploy",
      outcome: "succeeded",
      status: 202,
      subject,
      before: before === undefined ? undefined : sha256Hex(JSON.stringify(before)),
      after: sha256Hex(JSON.stringify(input.encoded)),
      organizationId: organization.id
    } as const
    const passed = (input.passed ?? []).map(
      (policy) =>
        ({
          action: "policies.pass",
          outcome: "succeeded",
          status: 202,
          subject: `policy ${policy} by ${subject}`,
          organizationId: organization.id
        }) as const
    )
    yield* audit.append(entry, ...passed)
  })

/** Writes an accepted deployment completely or not at all, and returns its id. Run it in a transaction. */
export const accept = (queue: WorkQueue, input: AcceptInput) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organization, stage } = input
    const org = organization.id
    const id = newId("dep")
    const inStage = sql`organization_id = ${org} and app = ${app} and stage = ${stage}`

    // From here on the organization is locked: until the transaction ends, it isn't deleted, and nothing else of it is accepted.
    const [found] = decodeDeletion(
      yield* sql`select delete_after from organizations where id = ${org} for no key update`
    )

    // And this row: deployments of one app and stage are numbered consecutively.
    const numbered = yield* sql<{ last_number: number }>`
      insert into app_stages (organization_id, app, stage, last_number) values (${org}, ${app}, ${stage}, 1)
      on conflict (organization_id, app, stage) do update set last_number = app_stages.last_number + 1
      returning last_number`
    const number = numbered[0]?.last_number ?? 1
    // With the row locked, and after the idempotency key: a repeated request gets its first answer, whatever happened since.
    yield* checkPlan(input, number === 1 ? undefined : number - 1)
    if (input.after !== undefined && input.after !== number - 1) return yield* new Outrun()
    if (found?.delete_after != null && input.spec.services.length > 0) {
      return yield* new Conflict({
        detail: `The organization "${organization.name}" is being deleted. It will be erased after ${found.delete_after.toISOString()} and accepts no deployments. Run \`maxcloud org keep\` to cancel that.`
      })
    }
    // After locking the organization: of two concurrent calls, the second sees the changes of the first.
    const quotas = yield* Quotas
    if (input.restores !== true) yield* quotas.check(input, input.spec)

    // Another app may have removed an export, or begun to use one, since the caller looked. With the organization locked, that
    // can't happen any more.
    if ((yield* linkProblems(input, input.spec)).length > 0) return yield* new Outrun()

    // The same holds for the organization's policies.
    if (input.policies !== undefined && (yield* policiesStamp(org)) !== input.policies) return yield* new Outrun()

    const [{ spec: before } = { spec: undefined }] = yield* sql<{ spec: unknown }>`
      select spec from deployments where ${inStage} order by number desc limit 1`

    yield* supersedeQueued(input, number)

    const { made, versions: generated } = yield* generateMissing({ organizationId: org, app, stage }, input.generates)
    if (input.planId !== undefined && made < input.generates.size) {
      return yield* new PlanMoved({ planId: input.planId, cause: "manifests" })
    }
    const secretVersions =
      input.externalSecrets === undefined || input.keepsVersions === true
        ? new Map([...input.secretVersions, ...generated])
        : versionsFromStore(input.spec, number)
    const wanted = versionsOf(input, secretVersions, input.images)
    const accepted = yield* acceptedServices(input)
    const changes = yield* inTurns(() => changesBetween(accepted, wanted))
    yield* insertDeployment(input, id, number, wanted)

    yield* upsertServices(input, number, wanted, changes)
    yield* insertProgress(input, id, changes)
    // A removed app leaves nothing to suspend, and a new one of its name starts without.
    if (wanted.length === 0) yield* endSuspension({ organizationId: org, app, stage })
    if (input.unsetsSecrets === true) yield* unsetAll({ organizationId: org, app, stage })
    yield* saveLinks(input, input.spec)
    yield* appendEvents(org, id, [
      { type: "accepted", reason: "Accepted", message: `Deployment ${number} of ${app} to ${stage} was accepted.` }
    ])
    yield* queue.add([{ organizationId: org, app, stage }])
    yield* sql`select ${notifying(sql, "work")}`
    yield* noteCarriedOut(id)
    yield* recordAcceptance(input, number, before)
    return id
  })
