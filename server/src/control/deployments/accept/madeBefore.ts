import { Effect } from "effect"
import type { Organization } from "../../../base/words/Organization.ts"
import { KeyedRequest } from "../../../tenancy/repeats/KeyedRequest.ts"
import { loadDeployment } from "./acceptSpec.ts"

/** The deployment that this same request has already created, if its answer was lost; otherwise the result of `accept`. */
export const madeBefore = <A, E, R>(organization: Organization, accept: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const made = (yield* KeyedRequest)?.made
    return made === undefined ? yield* accept : yield* loadDeployment(organization, made)
  })
