import { Schema } from "effect"

export const RolloutState = Schema.Literal("pending", "done", "failed")
export type RolloutState = typeof RolloutState.Type

/** One stage of an app: do its objects match the platform's newest settings? */
export interface StageRollout {
  readonly organization: string
  readonly app: string
  readonly stage: string
  readonly state: RolloutState
  /** Why the last attempt failed; null if it succeeded. */
  readonly message: string | null
  /** When it last matched a platform's settings; null: never. */
  readonly at: string | null
}

/** How far the platform's newest settings are rolled out. */
export interface Rollout {
  /** The platform of the last started server; null if no server has started since this is recorded. */
  readonly platform: {
    readonly key: string
    readonly startedAt: string
    /** Names of the settings that differ from the previous ones; empty for the first. */
    readonly changed: ReadonlyArray<string>
  } | null
  readonly counts: Readonly<Record<RolloutState, number>>
  readonly stages: ReadonlyArray<StageRollout>
}
