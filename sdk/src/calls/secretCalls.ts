import { type AppName, SecretName, type StageName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  CopySecrets,
  ImportSecrets,
  RollbackSecret,
  type SecretInfo,
  SecretValue,
  type SecretVersionInfo
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type InStage, inApp, parsed } from "../parse.ts"
import { type AnySecret, type Calling, textOf } from "./Calling.ts"

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
  list: (app: string, options?: InStage): Effect.Effect<ReadonlyArray<SecretInfo>, CallError> =>
    inApp(app, options, (path) => Effect.map(call(api.apps.secrets({ path })), (found) => found.secrets)),

  set: (app: string, name: string, value: Secret, options?: InStage): Effect.Effect<SecretInfo, CallError> =>
    ofSecret(app, name, options, (path) =>
      parsed(SecretValue, { value: textOf(value) }, (payload) => call(api.apps.setSecret({ path, payload })))
    ),

  unset: (app: string, name: string, options?: InStage): Effect.Effect<void, CallError> =>
    ofSecret(app, name, options, (path) => call(api.apps.unsetSecret({ path }))),

  /** Adds a version of each, all or none. */
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
        (payload) => Effect.map(call(api.apps.importSecrets({ path, payload })), (found) => found.secrets)
      )
    ),

  /** Sets the newest values of secrets of another app or stage here, all or none. No value leaves the server. */
  copy: (
    app: string,
    names: ReadonlyArray<string>,
    from: { readonly stage: string; readonly app?: string | undefined },
    options?: InStage
  ): Effect.Effect<ReadonlyArray<SecretInfo>, CallError> =>
    inApp(app, options, (path) =>
      parsed(CopySecrets, { from: { app: from.app ?? app, stage: from.stage }, names }, (payload) =>
        Effect.map(call(api.apps.copySecrets({ path, payload })), (found) => found.secrets)
      )
    ),

  /** Those that are still kept, newest first. */
  versions: (
    app: string,
    name: string,
    options?: InStage
  ): Effect.Effect<ReadonlyArray<SecretVersionInfo>, CallError> =>
    ofSecret(app, name, options, (path) =>
      Effect.map(call(api.apps.secretVersions({ path })), (found) => found.versions)
    ),

  /** Makes the value of an earlier version the newest one, as a version of its own. */
  rollback: (app: string, name: string, version: number, options?: InStage): Effect.Effect<SecretInfo, CallError> =>
    ofSecret(app, name, options, (path) =>
      parsed(RollbackSecret, { version }, (payload) => call(api.apps.rollbackSecret({ path, payload })))
    )
})
