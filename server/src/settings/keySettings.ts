import { Config, ConfigError, Either, Redacted, Schema } from "effect"
import { keyFromBase64 } from "../keys/masterKeyEnvironment.ts"
import { from, HttpUrl, optional, type Settings } from "./setting.ts"

/** Which key wraps the keys that secrets are sealed with. At most one of `masterKey`, `masterKeyFile` and `vaultAddress` is set. */
export interface KeySettings {
  readonly masterKey: Redacted.Redacted<Uint8Array> | undefined
  readonly masterKeyFile: string | undefined
  readonly formerMasterKeys: ReadonlyArray<Redacted.Redacted<Uint8Array>>
  readonly vaultAddress: string | undefined
  readonly vaultToken: Redacted.Redacted | undefined
  readonly vaultTokenFile: string | undefined
  readonly vaultKey: string
  readonly vaultMount: string
  readonly vaultNamespace: string | undefined
}

const none: ReadonlyArray<Redacted.Redacted<Uint8Array>> = []

/** What is said of a wrong key must not quote it. */
const keysIn = (name: string) =>
  Config.redacted(name).pipe(
    Config.mapOrFail((written) => {
      const keys: Array<Redacted.Redacted<Uint8Array>> = []
      for (const word of Redacted.value(written).split(",")) {
        if (word.trim() === "") continue
        const key = keyFromBase64(word)
        if (key === undefined) {
          return Either.left(
            ConfigError.InvalidData([name], "a key is 32 bytes in base64, as `openssl rand -base64 32` prints them")
          )
        }
        keys.push(Redacted.make(key))
      }
      return Either.right(keys)
    })
  )

const oneKeyIn = (name: string) =>
  keysIn(name).pipe(
    Config.mapOrFail(([key, ...rest]) =>
      key === undefined || rest.length > 0
        ? Either.left(ConfigError.InvalidData([name], "it is one key of 32 bytes in base64"))
        : Either.right(key)
    )
  )

const Path = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/))

export const keySettings: Settings<KeySettings> = {
  masterKey: {
    name: "MAXCLOUD_MASTER_KEY",
    config: optional(oneKeyIn("MAXCLOUD_MASTER_KEY")),
    default: "`secret.key` in the data folder, made at the first start",
    description:
      "The master key: 32 bytes in base64 (`openssl rand -base64 32`). It wraps the keys that secrets are sealed with. Programs that the server starts do not inherit it."
  },
  masterKeyFile: {
    name: "MAXCLOUD_MASTER_KEY_FILE",
    config: optional(Config.nonEmptyString("MAXCLOUD_MASTER_KEY_FILE")),
    default: "none",
    description:
      "A file with the master key, as 32 bytes or these in base64, such as a mounted Secret. Not readable by all users."
  },
  formerMasterKeys: {
    name: "MAXCLOUD_MASTER_KEYS_FORMER",
    config: keysIn("MAXCLOUD_MASTER_KEYS_FORMER").pipe(Config.withDefault(none)),
    default: "none",
    description:
      "Other master keys to open with, in base64 with commas between them: the former one, or on the way to a new one that one (`maxcloud server rotate-keys`)."
  },
  vaultAddress: {
    name: "MAXCLOUD_VAULT_ADDR",
    config: optional(
      from("MAXCLOUD_VAULT_ADDR", HttpUrl, 'a URL is written as "https://bao.example.com:8200"').pipe(
        Config.map((_) => _.replace(/\/+$/, ""))
      )
    ),
    default: "none",
    description: "URL of an OpenBao server (or HashiCorp Vault, same API) whose transit engine holds the master key."
  },
  vaultToken: {
    name: "MAXCLOUD_VAULT_TOKEN",
    config: optional(Config.redacted("MAXCLOUD_VAULT_TOKEN")),
    default: "none",
    description: "Token that may `update` `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`."
  },
  vaultTokenFile: {
    name: "MAXCLOUD_VAULT_TOKEN_FILE",
    config: optional(Config.nonEmptyString("MAXCLOUD_VAULT_TOKEN_FILE")),
    default: "none",
    description: "A file with that token, read again for each call: an agent may renew it."
  },
  vaultKey: {
    name: "MAXCLOUD_VAULT_KEY",
    config: from("MAXCLOUD_VAULT_KEY", Path, 'a key is named as "maxcloud"').pipe(Config.withDefault("maxcloud")),
    default: "maxcloud",
    description: "Name of the transit key, of a type with additional data (`aes256-gcm96`, `chacha20-poly1305`)."
  },
  vaultMount: {
    name: "MAXCLOUD_VAULT_MOUNT",
    config: from("MAXCLOUD_VAULT_MOUNT", Path, 'a path is written as "transit"').pipe(Config.withDefault("transit")),
    default: "transit",
    description: "Where the transit engine is mounted."
  },
  vaultNamespace: {
    name: "MAXCLOUD_VAULT_NAMESPACE",
    config: optional(from("MAXCLOUD_VAULT_NAMESPACE", Path, 'a namespace is written as "team/a"')),
    default: "none",
    description: "Namespace of the transit engine."
  }
}

export const keyConfig: Config.Config<KeySettings> = Config.all({
  masterKey: keySettings.masterKey.config,
  masterKeyFile: keySettings.masterKeyFile.config,
  formerMasterKeys: keySettings.formerMasterKeys.config,
  vaultAddress: keySettings.vaultAddress.config,
  vaultToken: keySettings.vaultToken.config,
  vaultTokenFile: keySettings.vaultTokenFile.config,
  vaultKey: keySettings.vaultKey.config,
  vaultMount: keySettings.vaultMount.config,
  vaultNamespace: keySettings.vaultNamespace.config
})
