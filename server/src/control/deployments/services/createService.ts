import { SqlClient } from "@effect/sql/SqlClient"
import { AppName } from "@maxcloud/config-schema"
import { Conflict, type CreateService, InvalidSpec } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Organization } from "../../../base/words/Organization.ts"
import type { Target } from "../../../base/words/Target.ts"
import { acceptSpec, newestDeployment } from "../accept/acceptSpec.ts"
import { madeBefore } from "../accept/madeBefore.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { selectServices } from "../records/serviceRows.ts"
import { readSpec } from "../validate/inspectSpec.ts"

const servicePointer = "/spec/services/0"

/** The app's mistakes, at their places in the request's body. */
const inRequest =
  ({ env_vars }: CreateService) =>
  ({ detail, errors }: InvalidSpec) =>
    new InvalidSpec({
      detail,
      errors: errors.map(({ pointer = "", ...error }) => {
        if (!pointer.startsWith(servicePointer)) return error
        const inside = pointer.slice(servicePointer.length)
        const name = /^\/env\/(.*)$/.exec(inside)?.[1]
        return { ...error, pointer: name !== undefined && Object.hasOwn(env_vars, name) ? `/env_vars/${name}` : inside }
      })
    })

const acceptService = (queue: WorkQueue, target: Target, input: CreateService) =>
  Effect.gen(function* () {
    const latest = yield* newestDeployment(target)
    if (latest !== undefined && latest.services > 0) {
      return yield* new Conflict({
        detail: `The app "${input.name}" already exists in the stage "${input.stage}". Deploy that app to change it, or choose another name.`,
        owner: target.app
      })
    }
    const read = yield* readSpec(target, {
      app: target.app,
      services: [
        { name: input.name, image: input.image, env: { ...input.env, ...input.env_vars }, port: input.port ?? "auto" }
      ]
    })
    return yield* acceptSpec(queue, { ...target, ...read, after: latest?.number ?? 0, origin: { kind: "deploy" } })
  })

/** A separate app with one service, both of the same name. */
export const createService = (queue: WorkQueue, organization: Organization, input: CreateService) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const target = { organization, app: AppName.make(input.name), stage: input.stage }
    yield* madeBefore(organization, acceptService(queue, target, input))
    const [made] = yield* selectServices(
      organization,
      sql`name = ${input.name} and stage = ${target.stage} and app = ${target.app}`
    )
    return made === undefined ? yield* Effect.dieMessage(`Service ${input.name} doesn't exist`) : made
  }).pipe(Effect.mapError((error) => (error instanceof InvalidSpec ? inRequest(input)(error) : error)))
