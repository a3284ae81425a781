import {
  CredentialsFile,
  type CredentialUnavailable,
  cannot,
  credentialsPath,
  type Environment,
  type Kept,
  normalUrl,
  readCredentials,
  type Warn
} from "@maxcloud/sdk/credentials"
import { Effect, Schema } from "effect"
import { replaceFile } from "../input/replaceFile.ts"

const encode = Schema.encodeSync(CredentialsFile)

const change = (
  file: string,
  warn: Warn,
  edit: (servers: CredentialsFile["servers"]) => CredentialsFile["servers"]
): Effect.Effect<void, CredentialUnavailable> =>
  replaceFile({
    file,
    isPrivate: true,
    failed: cannot("written", file),
    edit: Effect.map(
      readCredentials(file, warn),
      ({ servers }) => `${JSON.stringify(encode({ version: 1, servers: edit(servers) }), null, 2)}\n`
    )
  })

/** The credentials file of this user. Its mode isn't checked on Windows, where other users can't read the profile's folder. */
export const makeCredentials = (env: Environment, warn: Warn) => {
  const file = credentialsPath(env)
  return {
    file,
    find: (apiUrl: string): Effect.Effect<Kept | undefined, CredentialUnavailable> =>
      Effect.map(readCredentials(file, warn), ({ servers }) => servers[normalUrl(apiUrl)]),
    keep: (apiUrl: string, kept: Kept): Effect.Effect<void, CredentialUnavailable> =>
      change(file, warn, (servers) => ({ ...servers, [normalUrl(apiUrl)]: kept })),
    forget: (apiUrl: string): Effect.Effect<void, CredentialUnavailable> =>
      change(file, warn, (servers) =>
        Object.fromEntries(Object.entries(servers).filter(([url]) => url !== normalUrl(apiUrl)))
      )
  }
}
