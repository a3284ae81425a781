import { resolve } from "node:path"
import { type ConfigError, Context, Data, Effect, Either } from "effect"
import { backupSettings } from "./backupSettings.ts"
import { databaseSettings } from "./databaseSettings.ts"
import { diskSettings } from "./diskSettings.ts"
import { identitySettings } from "./identitySettings.ts"
import { keySettings } from "./keySettings.ts"
import { kubernetesSettings } from "./kubernetesSettings.ts"
import { limitSettings } from "./limitSettings.ts"
import { logSettings } from "./logSettings.ts"
import { mailRoute, mailSettings } from "./mailSettings.ts"
import { proxySettings } from "./proxySettings.ts"
import { registrySettings } from "./registrySettings.ts"
import { secretSettings } from "./secretSettings.ts"
import { serverSettings } from "./serverSettings.ts"
import { configOf, type SettingValues } from "./setting.ts"

/**
 * Every setting, in the order of the reference. The server's reader, `ServerSettings` and the reference are all made
 * from it.
 */
export const settings = {
  ...serverSettings,
  ...databaseSettings,
  ...backupSettings,
  ...diskSettings,
  ...identitySettings,
  ...keySettings,
  ...secretSettings,
  ...mailSettings,
  ...limitSettings,
  ...kubernetesSettings,
  ...registrySettings,
  ...proxySettings,
  ...logSettings
}

/** All settings, parsed. */
export interface ServerSettings extends SettingValues<typeof settings> {}

/** The settings of this server. */
export class ServerConfig extends Context.Tag("@maxcloud/server/ServerConfig")<ServerConfig, ServerSettings>() {}

/** A setting can't be parsed. `message` names it and lists the valid values. */
export class InvalidSetting extends Data.TaggedError("InvalidSetting")<{ readonly message: string }> {}

/** Loopback, as an address or a name. */
export const isLoopback = (host: string) => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)

/** Does a request without a credential act for the organization `local`? */
export const callsWithoutCredential = ({ auth, host }: Pick<ServerSettings, "auth" | "host">) =>
  auth === undefined ? isLoopback(host) : auth === "local"

const refuseOpenAddress = (all: ServerSettings): Effect.Effect<ServerSettings, InvalidSetting> =>
  isLoopback(all.host) || !callsWithoutCredential(all)
    ? Effect.succeed(all)
    : Effect.fail(
        new InvalidSetting({
          message: `with MAXCLOUD_AUTH=local the server can't listen on "${all.host}", because anybody who reaches that address could deploy. Leave MAXCLOUD_AUTH out (every request then needs a credential), or listen on 127.0.0.1 (MAXCLOUD_HOST, --host)`
        })
      )

/** People sign in by mail. An operator's tools beside a server send no mail, so they need no setting for it. */
export const refuseWithoutMail = (all: ServerSettings): Effect.Effect<ServerSettings, InvalidSetting> =>
  Either.match(mailRoute(all, callsWithoutCredential(all)), {
    onLeft: (message) => Effect.fail(new InvalidSetting({ message })),
    onRight: () => Effect.succeed(all)
  })

/** The settings from the environment. `options` take precedence. */
export const readSettings = (options: Partial<ServerSettings> = {}): Effect.Effect<ServerSettings, InvalidSetting> =>
  Effect.gen(function* () {
    const read = yield* Effect.mapError(configOf(settings), (error) => new InvalidSetting({ message: sentence(error) }))
    const dataDir = resolve(options.dataDir ?? read.dataDir)
    return yield* refuseOpenAddress({ ...read, ...options, dataDir })
  })

const sentence = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or"
    ? `${sentence(error.left)}; ${sentence(error.right)}`
    : `${error.path.join("_")}: ${error.message}`
