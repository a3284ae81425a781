/** The client for web pages, without Node's modules. It can't read files or start programs. */
import { Effect, Predicate } from "effect"
import { type CloudEvent, type DeploymentEvent, InvalidRequest, type LogEntry } from "./api/index.ts"
import { callingOf } from "./calls/Calling.ts"
import { type Calls, callsOf } from "./calls/calls.ts"
import { type FollowEventsOptions, type LogOptions, streamsOf } from "./calls/streams.ts"
import { checkOptions } from "./input/checkOptions.ts"
import type { OptionKinds } from "./input/options.ts"
import type { InApp } from "./input/parse.ts"
import { type Abortable, iterate, never, optionsIn, type Promised, promised, signalIn } from "./promises.ts"
import { type ClientHost, type ConnectionOptions, connectionOptions } from "./transport/transport.ts"

export interface BrowserClientOptions
  extends Pick<ConnectionOptions, "token" | "organization" | "fetch" | "timeoutSeconds"> {
  readonly apiUrl: string
}

/** A max-cloud server. Every promise may reject with a `CallError` (`@maxcloud/sdk`). */
export interface BrowserClient extends Promised<Omit<Calls<string>, "deployments" | "events">> {
  readonly deployments: Promised<Calls<string>["deployments"]> & {
    /** The events of a deployment, from its start until it has finished. */
    readonly events: (deploymentId: string, options?: Abortable) => AsyncIterable<DeploymentEvent>
  }
  readonly events: Promised<Calls<string>["events"]> & {
    /** The organization's events. The stream doesn't end. */
    readonly follow: (options?: FollowEventsOptions & Abortable) => AsyncIterable<CloudEvent>
  }
  /** The lines of a service. */
  readonly logs: (service: string, options?: LogOptions & InApp & Abortable) => AsyncIterable<LogEntry>
}

/** A web page has no files and no environment. */
const page: ClientHost = {
  userAgent: undefined,
  local: async () => undefined,
  found: () => async () => ""
}

const { apiUrl, fetch, organization, timeoutSeconds, token } = connectionOptions
const clientOptions: OptionKinds<BrowserClientOptions> = { apiUrl, fetch, organization, timeoutSeconds, token }

/** A client of the server at `apiUrl`. Throws `InvalidRequest` for an unknown option, or without `apiUrl`. */
export const createClient = (options: BrowserClientOptions): BrowserClient => {
  checkOptions<BrowserClientOptions>("createClient", options, clientOptions)
  // Not every caller uses types.
  if (!Predicate.hasProperty(options, "apiUrl") || options.apiUrl === undefined) {
    throw new InvalidRequest({ detail: "createClient: `apiUrl` is missing. Pass the server's URL.", errors: [] })
  }
  const calling = Effect.runSync(callingOf(options, page))
  const calls = callsOf<string>(calling)
  const { deploymentEvents, followEvents, logs } = streamsOf(calling, calls.services.get)
  const signalOf = (call: Abortable | undefined) => signalIn(call) ?? never
  const promises = promised(calls, signalOf)
  return {
    ...promises,
    deployments: {
      ...promises.deployments,
      events: (deploymentId, call) => iterate(deploymentEvents(deploymentId, optionsIn(call)), signalOf(call))
    },
    events: { ...promises.events, follow: (call) => iterate(followEvents(optionsIn(call)), signalOf(call)) },
    logs: (service, call) => iterate(logs(service, optionsIn(call)), signalOf(call))
  }
}
