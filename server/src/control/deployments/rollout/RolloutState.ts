import { Schema } from "effect"

export const RolloutState = Schema.Literal("pending", "done", "failed")
export type RolloutState = typeof RolloutState.Type

/** One stage of an app: are its objects as the platform's newest settings want them? */
export interface StageRollout {
  readonly organization: string
  readonly app: string
  readonly stage: string
  readonly state: RolloutState
  /** Why the last try failed; null: it didn't. */
  readonly message: string | null
  /** When it was last brought to a platform's settings; null: never. */
  readonly at: string | null
}

/** How far the newest settings of the platform are in force. */
export interface Rollout {
  /** The platform that a server was last started with; null: no server has started since this is recorded. */
  readonly platform: {
    readonly key: string
    readonly startedAt: string
    /** Names of the settings that differ from those before; empty for the first. */
    readonly changed: ReadonlyArray<string>
  } | null
  readonly counts: Readonly<Record<RolloutState, number>>
  readonly stages: ReadonlyArray<StageRollout>
}
