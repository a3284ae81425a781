import { Effect } from "effect"
import {
  type Feature,
  type Open,
  type OrganizationId,
  type ReadinessCheck,
  UsageParameters,
  type UsageReport
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { parsed, parseOptions } from "../input/parse.ts"
import { appCalls, deploymentCalls } from "./appCalls.ts"
import { authCalls } from "./authCalls.ts"
import type { AnySecret, Calling } from "./Calling.ts"
import { eventCalls } from "./eventCalls.ts"
import { accountCalls, auditCalls, erasureCalls, organizationCalls } from "./organizationCalls.ts"
import { policyCalls } from "./policyCalls.ts"
import { registryCalls } from "./registryCalls.ts"
import { registryTokenCalls } from "./registryTokenCalls.ts"
import { secretCalls } from "./secretCalls.ts"
import { serviceCalls } from "./serviceCalls.ts"
import { webhookCalls } from "./webhookCalls.ts"

/** The server's description of itself. */
export interface ServerInfo {
  readonly version: string
  /** The oldest version of the commands and the SDK that the server supports. */
  readonly minimumClient: string
  /** Its optional features. */
  readonly features: ReadonlyArray<Open<Feature>>
  /** `local`, `kubernetes`, or a runtime that only newer servers have. */
  readonly runtime: string
  readonly organization: string
  /** Its immutable id, as in the names of its images in the registry; null from an older server. */
  readonly organizationId: OrganizationId | null
  /** Whether services can run in place from a folder (`maxcloud dev`). */
  readonly inPlace: boolean
  /** The host of its own registry; null if it has none. */
  readonly registry: string | null
  /** The platforms of the nodes that run services, such as `linux/amd64`; empty if they're unknown. */
  readonly platforms: ReadonlyArray<string>
  /** The store for the values of secrets; null if the server stores them. */
  readonly secretStore: string | null
}

/**
 * Every call with one request and one response, as an Effect. Both clients use these: `MaxCloud` as they are, and `createClient` as promises
 * (`promised`). Longer-running calls are in `MaxCloud.ts` and `client.ts`.
 */
export interface Calls<Secret extends AnySecret> {
  /** Whether the server responds, whatever else fails. Needs no credential. */
  readonly health: Effect.Effect<void, CallError>
  readonly info: Effect.Effect<ServerInfo, CallError>
  /** Whether the server works fully. A check that isn't `ok` has the reason and the fix in its `message`. */
  readonly readiness: Effect.Effect<ReadonlyArray<ReadinessCheck>, CallError>
  /** The reservations of the organization's instances, by default for the last 24 hours. */
  readonly usage: (range?: UsageParameters) => Effect.Effect<UsageReport, CallError>
  readonly services: ReturnType<typeof serviceCalls>
  readonly apps: ReturnType<typeof appCalls>
  readonly deployments: ReturnType<typeof deploymentCalls>
  /** The organization's events. */
  readonly events: ReturnType<typeof eventCalls>
  /** URLs that receive events. */
  readonly webhooks: ReturnType<typeof webhookCalls>
  /** The organization's rules that every app must follow. */
  readonly policies: ReturnType<typeof policyCalls>
  readonly secrets: ReturnType<typeof secretCalls<Secret>>
  /** Credentials for registries, by host. Passwords are never returned. */
  readonly registries: ReturnType<typeof registryCalls<Secret>>
  /** max-cloud's own registry: tokens for it, and their keys. */
  readonly registry: ReturnType<typeof registryTokenCalls>
  readonly auth: ReturnType<typeof authCalls<Secret>>
  /** The credential's organization. */
  readonly organization: ReturnType<typeof organizationCalls>
  /** The stored data about the signed-in person, in any organization. */
  readonly account: ReturnType<typeof accountCalls>
  /** Each write, and each refused attempt. */
  readonly audit: ReturnType<typeof auditCalls>
  readonly erasures: ReturnType<typeof erasureCalls>
}

const usageOptions: OptionKinds<UsageParameters> = { since: "text", until: "text" }

export const callsOf = <Secret extends AnySecret>(calling: Calling): Calls<Secret> => {
  const { api, call } = calling
  return {
    health: Effect.asVoid(call(api.healthz({}))),
    info: call(api.info.get({})),
    readiness: call(api.readyz({})).pipe(
      Effect.map((found) => found.checks),
      Effect.catchTag("NotReady", (error) => Effect.succeed(error.checks))
    ),
    usage: (range) =>
      Effect.flatMap(parseOptions<UsageParameters>(range, usageOptions), (given) =>
        parsed(UsageParameters, given, (urlParams) => call(api.usage.read({ urlParams })))
      ),
    services: serviceCalls(calling),
    apps: appCalls(calling),
    deployments: deploymentCalls(calling),
    events: eventCalls(calling),
    webhooks: webhookCalls(calling),
    policies: policyCalls(calling),
    secrets: secretCalls(calling),
    registries: registryCalls(calling),
    registry: registryTokenCalls(calling),
    auth: authCalls(calling),
    organization: organizationCalls(calling),
    account: accountCalls(calling),
    audit: auditCalls(calling),
    erasures: erasureCalls(calling)
  }
}
