import type { Diagnosis } from "@maxcloud/sdk/api"
import type { EventObject, KnativeServiceObject, PodObject, RevisionObject } from "../cache/objects.ts"

/** How long a program has for an answer, in milliseconds. */
export const patienceOfAnswer = 1_500

/** An answer to a GET that the API server forwarded to a pod. */
export interface PortAnswer {
  /**
   * `open`: something answers. `silent`: nothing came within the time, and no connection failed. `unknown`: can't be determined from here, for example because a policy drops the
   * packets.
   */
  readonly state: "open" | "closed" | "silent" | "unknown"
  /** The status of an HTTP answer. */
  readonly status: number | undefined
  /** Start of the answer's body. */
  readonly body: string
}

/** Facts that no watch provides, so they must be requested. */
export type Want = {
  /** Equal questions have equal keys and are asked once. */
  readonly key: string
  readonly namespace: string
} & (
  | { readonly kind: "log"; readonly pod: string; readonly container: string; readonly previous: boolean }
  | {
      readonly kind: "ports"
      readonly pod: string
      readonly container: string
      readonly port: number
      /** Path of the probe that must succeed; undefined: the port must be open. */
      readonly path: string | undefined
    }
  /** Which version of HTTP an instance that is ready speaks, and whether its requests fail because of that. */
  | { readonly kind: "protocol"; readonly pod: string; readonly port: number }
  /** What is free on the cluster's nodes. */
  | { readonly kind: "room" }
  /** Why no pod was created: the events of a revision's ReplicaSets. */
  | { readonly kind: "creation"; readonly revision: string }
)

/** `amount`: milli-vCPU or bytes. */
export interface Room {
  readonly node: string
  readonly amount: number
}

export type Finding =
  | { readonly kind: "log"; readonly lines: ReadonlyArray<string> }
  | {
      readonly kind: "ports"
      readonly declared: PortAnswer
      /** Another port, which is open. */
      readonly other: number | undefined
      /** A port mentioned in the program's log. */
      readonly named: number | undefined
      readonly lines: ReadonlyArray<string>
    }
  | {
      readonly kind: "protocol"
      /** The version of its answer to an HTTP/1.1 request; `closed`: it closed the connection instead; undefined: unknown. */
      readonly speaks: "http1" | "h2c" | "closed" | undefined
      /** Line of queue-proxy's log about a request that the program answered in HTTP/1.1 instead of HTTP/2. */
      readonly failed: string | undefined
    }
  /** The most that is free on a node, of each; undefined: unknown. */
  | { readonly kind: "room"; readonly free: { readonly cpu: Room; readonly memory: Room } | undefined }
  | { readonly kind: "creation"; readonly message: string | undefined }

export type FindingOf<K extends Finding["kind"]> = Extract<Finding, { readonly kind: K }>

/** Everything that a verdict is based on. */
export interface Evidence {
  /** Epoch milliseconds. */
  readonly now: number
  readonly service: KnativeServiceObject
  readonly revisions: ReadonlyArray<RevisionObject>
  readonly pods: ReadonlyArray<PodObject>
  /** Warnings about one of the service's objects, oldest first. */
  readonly eventsOf: (kind: string, name: string) => ReadonlyArray<EventObject>
  /** Answers to wants, by their key. */
  readonly findings: ReadonlyMap<string, Finding>
  /** For how many milliseconds the cluster was unreachable since this time (epoch milliseconds); 0 for NaN. */
  readonly awaySince: (epochMillis: number) => number
}

/** The time from which a rule waits for a change of something that began at this time: an outage of the cluster doesn't count. */
export const waitingSince = ({ awaySince }: Pick<Evidence, "awaySince">, epochMillis: number): number =>
  epochMillis + awaySince(epochMillis)

/** A rule's result. */
export interface Cause {
  readonly diagnosis: Diagnosis
  /** It was found often enough to be the reason. Waiting may still help, for example if it's a database that starts. */
  readonly certain: boolean
  /** Waiting won't help. @default certain, and `isHopeless` by its code */
  readonly hopeless?: boolean
  /** Don't mention it yet, only look again later. */
  readonly quiet?: boolean
  readonly logTail?: ReadonlyArray<string>
  /** Epoch milliseconds at which time alone may change the result. */
  readonly lookAgainAt?: number | undefined
  /** Facts that would help. A certain cause waits for them. */
  readonly wants?: ReadonlyArray<Want>
}

export interface Verdict {
  readonly diagnosis: Diagnosis | null
  /** Waiting won't help: the deployment fails. */
  readonly terminal: boolean
  /** The revision was given up only because the cluster was unreachable while it started, and has no instance left. */
  readonly expired?: boolean
  /** Instances of a previously ready revision fail now. */
  readonly degraded: boolean
  readonly logTail: ReadonlyArray<string>
  readonly lookAgainAt: number | undefined
  readonly wants: ReadonlyArray<Want>
}

export const noVerdict: Verdict = {
  diagnosis: null,
  terminal: false,
  degraded: false,
  logTail: [],
  lookAgainAt: undefined,
  wants: []
}
