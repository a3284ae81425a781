import { AppName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { readers } from "./endpoint.ts"
import { DeploymentId } from "./ids.ts"
import type { Role } from "./roles.ts"

/** Everything that is known about a kind of event. The API, the check of what is recorded, and `docs/reference/events.md` read it. */
interface EventKind<A, I> {
  readonly description: string
  /** Who may read it. Webhooks belong to admins and get every kind. */
  readonly roles: ReadonlyArray<Role>
  /** Names and facts. Never a value of a secret, a token, an address of a person or a line that a program wrote. */
  readonly data: Schema.Schema<A, I>
  /** The resource: its collection and its id or name. */
  readonly example: { readonly subject: string; readonly data: A }
}

const kind = <A, I>(row: EventKind<A, I>): EventKind<A, I> => row

const place = { app: AppName, stage: StageName }
const examplePlace = { app: AppName.make("shop"), stage: StageName.make("production") }

const ofDeployment = (description: string, reason: string) => {
  const deployment = DeploymentId.make("dep_0198f3d29c7b7a4e9f35d1a0c2b4e6f8")
  return kind({
    description,
    roles: readers,
    data: Schema.Struct({ ...place, deployment: DeploymentId, number: Schema.Int, reason: Schema.String }),
    example: { subject: `deployments/${deployment}`, data: { ...examplePlace, deployment, number: 7, reason } }
  })
}

/** The events of an organization: one row each. */
export const eventKinds = {
  "deployment.accepted": ofDeployment("A deployment is stored and waits for its turn.", "Accepted"),
  "deployment.started": ofDeployment("The server began to carry out a deployment.", "Running"),
  "deployment.succeeded": ofDeployment("Every service of a deployment is ready.", "Succeeded"),
  "deployment.failed": ofDeployment(
    "A deployment ended without success. `reason` says why in a word.",
    "ServiceFailed"
  ),
  "deployment.superseded": ofDeployment("A newer deployment took the place of one that hadn't finished.", "Superseded")
} as const

export type EventType = keyof typeof eventKinds

/** The `data` of a kind of event. */
export type EventData<T extends EventType> = Schema.Schema.Type<(typeof eventKinds)[T]["data"]>

export const isEventType = (type: string): type is EventType => Object.hasOwn(eventKinds, type)

/** Every kind, in the order of the reference. */
export const eventTypes: ReadonlyArray<EventType> = Object.keys(eventKinds).filter(isEventType)

/** Does a pattern (`deployment.succeeded`, `deployment.*` or `*`) mean this type? */
export const matchesType = (pattern: string, type: string): boolean =>
  pattern === "*" || pattern === type || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1)))
