import type { ConfigContext, GitState } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { ServerInfo } from "../calls/calls.ts"

/** The facts of a config's context that only a server knows. */
export type ServerFacts = Pick<ConfigContext, "organization" | "runtime">
export type ServerFact = keyof ServerFacts

/** The values that a config gets without a server. */
export const assumedFacts: ServerFacts = { organization: "local", runtime: "kubernetes" }

/** The parts of a config's context besides its stage, each found when the config first reads it. */
export interface ConfigFacts<E> {
  readonly server: Effect.Effect<ServerFacts, E>
  readonly git: Effect.Effect<GitState | undefined>
}

/** Treats a runtime that this version doesn't know like a cluster, because it isn't this machine. */
export const factsOf = ({ organization, runtime }: ServerInfo): ServerFacts => ({
  organization,
  runtime: runtime === "local" ? "local" : "kubernetes"
})

/** The server's facts, fetched once. */
export const serverFacts = <E>(info: Effect.Effect<ServerInfo, E>): Effect.Effect<ServerFacts, E> =>
  Effect.runSync(Effect.cached(Effect.map(info, factsOf)))
