import { type AppName, SecretName, type StageName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  CopySecrets,
  ImportSecrets,
  RollbackSecret,
  type SecretInfo,
  SecretList,
  SecretValue,
  SecretVersionList
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type InStage, inApp, parsed } from "../input/parse.ts"
import { type AnySecret, type Calling, given, textOf } from "./Calling.ts"
import { listing, pageInApp, pageRequest } from "./listing.ts"

export interface SecretFilter extends InStage, Pick<typeof SecretList.parameters.Type, "sort"> {}

interface SecretPath {
  readonly app: AppName
  readonly stage: StageName
  readonly name: SecretName
}

const ofSecret = <A>(
  app: string,
  name: string,
  options: InStage | undefined,
  use: (path: SecretPath) => Effect.Effect<A, CallError>
) => inApp(app, options, (path) => parsed(SecretName, name, (name) => use({ ...path, name })))

export const secretCalls = <Secret extends AnySecret>({ api, call }: Calling) => ({
  /** Names and versions, never values. */
  list: listing(SecretList)((page, app: string, options?: SecretFilter) =>
    pageInApp(SecretList, page, app, options, (request) => call(api.apps.secrets({ ...request, withResponse: true })))
  ),

  set: (app: string, name: string, value: Secret, options?: InStage): Effect.Effect<SecretInfo, CallError> =>
    ofSecret(app, name, options, (path) =>
      parsed(SecretValue, { value: textOf(value) }, (payload) => call(api.apps.setSecret({ path, payload })))
    ),

  unset: (app: string, name: string, options?: InStage): Effect.Effect<void, CallError> =>
    ofSecret(app, name, options, (path) => call(api.apps.unsetSecret({ path }))),

  /** Adds a version of each secret, or of none. */
  import: (
    app: string,
    secrets: ReadonlyArray<{ readonly name: string; readonly value: Secret }>,
    options?: InStage
  ): Effect.Effect<ReadonlyArray<SecretInfo>, CallError> =>
    inApp(app, options, (path) =>
      parsed(
        ImportSecrets,
        {
          secrets: Array.isArray(secrets)
            ? secrets.map((secret) => ({ ...secret, value: textOf(secret?.value) }))
            : secrets
        },
        (payload) => call(api.apps.importSecrets({ path, payload }))
      )
    ),

  /** Copies the newest values of secrets from another app or stage, all or none. No value leaves the server. */
  copy: (
    app: string,
    names: ReadonlyArray<string>,
    from: { readonly stage: string; readonly app?: string | undefined },
    options?: InStage
  ): Effect.Effect<ReadonlyArray<SecretInfo>, CallError> =>
    inApp(app, options, (path) =>
      parsed(CopySecrets, { from: { app, ...given(from) }, names }, (payload) =>
        call(api.apps.copySecrets({ path, payload }))
      )
    ),

  /** The stored versions, newest first. */
  versions: listing(SecretVersionList)((page, app: string, name: string, options?: InStage) =>
    ofSecret(app, name, options, (path) =>
      Effect.flatMap(pageRequest(SecretVersionList, page), (urlParams) =>
        call(api.apps.secretVersions({ path, urlParams, withResponse: true }))
      )
    )
  ),

  /** Makes the value of an earlier version the newest one, as a new version. */
  rollback: (app: string, name: string, version: number, options?: InStage): Effect.Effect<SecretInfo, CallError> =>
    ofSecret(app, name, options, (path) =>
      parsed(RollbackSecret, { version }, (payload) => call(api.apps.rollbackSecret({ path, payload })))
    )
})
