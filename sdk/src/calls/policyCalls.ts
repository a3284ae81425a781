import type { AppSpecEncoded } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  type PolicyChange,
  type PolicyInfo,
  PolicyList,
  PolicyName,
  type PolicyTrial,
  SetPolicy,
  TryPolicy
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parsed } from "../input/parse.ts"
import { type Calling, given } from "./Calling.ts"
import { listing, pageRequest } from "./listing.ts"

export interface PolicyInput {
  /** CEL that must be true for an app, such as `service.memoryBytes <= 1073741824`. */
  readonly expression: string
  /** The problem and its fix, for people who deploy. @default the expression is shown */
  readonly message?: string | undefined
  /** @default "refuse" */
  readonly enforcement?: "refuse" | "warn" | undefined
}

export interface PolicyTrialInput {
  readonly expression: string
  readonly spec: AppSpecEncoded
  /** @default "production" */
  readonly stage?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** The organization's rules that every app must follow. */
export const policyCalls = ({ api, call }: Calling) => ({
  list: listing(PolicyList)((page) =>
    Effect.flatMap(pageRequest(PolicyList, page), (urlParams) =>
      call(api.policies.list({ urlParams, withResponse: true }))
    )
  ),

  get: (name: string): Effect.Effect<PolicyInfo, CallError> =>
    parsed(PolicyName, name, (name) => call(api.policies.get({ path: { name } }))),

  /** Adds or replaces a policy, and returns its findings in the deployed apps. */
  set: (name: string, policy: PolicyInput): Effect.Effect<PolicyChange, CallError> =>
    parsed(PolicyName, name, (name) =>
      parsed(SetPolicy, given(policy), (payload) => call(api.policies.set({ path: { name }, payload })))
    ),

  remove: (name: string): Effect.Effect<void, CallError> =>
    parsed(PolicyName, name, (name) => call(api.policies.remove({ path: { name } }))),

  /** Evaluates an expression for an app, without storing either. */
  test: (input: PolicyTrialInput): Effect.Effect<PolicyTrial, CallError> =>
    parsed(TryPolicy, given(input), (payload) => call(api.policies.test({ payload })))
})
