import { Effect } from "effect"
import { type RegistryKeys, type RegistryToken, RegistryTokenParameters } from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parsed } from "../input/parse.ts"
import type { Calling } from "./Calling.ts"

/** max-cloud's own registry. */
export const registryTokenCalls = ({ api, call }: Calling) => ({
  /** A token for the registry, with the requested scopes as far as the credential allows them. */
  token: (parameters: RegistryTokenParameters): Effect.Effect<RegistryToken, CallError> =>
    parsed(RegistryTokenParameters, parameters, (urlParams) => call(api.registryTokens.issue({ urlParams }))),
  /** The public keys of its tokens. Needs no credential. */
  keys: Effect.suspend((): Effect.Effect<RegistryKeys, CallError> => call(api.registryKeys.get()))
})
