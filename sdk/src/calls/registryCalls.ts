import { Effect } from "effect"
import { RegistryHost, type RegistryInfo, RegistryList, RegistryLogin } from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parsed } from "../input/parse.ts"
import { type AnySecret, type Calling, textOf } from "./Calling.ts"
import { listing, pageRequest } from "./listing.ts"

/** Credentials for registries, by host. Passwords are never returned. */
export const registryCalls = <Secret extends AnySecret>({ api, call }: Calling) => ({
  list: listing(RegistryList)((page) =>
    Effect.flatMap(pageRequest(RegistryList, page), (urlParams) =>
      call(api.registries.list({ urlParams, withResponse: true }))
    )
  ),

  login: (host: string, username: string, password: Secret): Effect.Effect<RegistryInfo, CallError> =>
    parsed(RegistryHost, host, (host) =>
      parsed(RegistryLogin, { username, password: textOf(password) }, (payload) =>
        call(api.registries.login({ path: { host }, payload }))
      )
    ),

  logout: (host: string): Effect.Effect<void, CallError> =>
    parsed(RegistryHost, host, (host) => call(api.registries.logout({ path: { host } })))
})
