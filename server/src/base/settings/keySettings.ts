import { Option, Redacted, Schema } from "effect"
import { baseUrl, form, secret, text } from "./forms.ts"
import { keyFromBase64 } from "./keyFromBase64.ts"
import { type Form, optional, type SettingValues, setting } from "./setting.ts"

const keys: Form<ReadonlyArray<Redacted.Redacted<Uint8Array>>> = {
  read: (written) =>
    Option.all(
      written
        .split(",")
        .filter((text) => text.trim() !== "")
        .map((part) => Option.map(Option.fromNullable(keyFromBase64(part)), (key) => Redacted.make(key)))
    ),
  help: "a key is 32 bytes in base64, as `openssl rand -base64 32` prints them",
  secret: true
}

const oneKey: Form<Redacted.Redacted<Uint8Array>> = {
  ...keys,
  read: (written) =>
    Option.flatMap(keys.read(written), ([key, ...rest]) => (rest.length > 0 ? Option.none() : Option.fromNullable(key)))
}

const Path = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/))

/** Which key wraps the keys that seal secrets. At most one of `masterKey`, `masterKeyFile` and `vaultAddress` is set. */
export const keySettings = {
  masterKey: optional("MAXCLOUD_MASTER_KEY", oneKey, {
    unset: "`secret.key` in the data folder, created at the first start",
    text: "The master key: 32 bytes in base64 (`openssl rand -base64 32`). It wraps the keys that seal secrets.",
    forgotten: true
  }),
  masterKeyFile: optional("MAXCLOUD_MASTER_KEY_FILE", text, {
    unset: "none",
    text: "A file with the master key, as 32 bytes, raw or in base64, such as a mounted Secret. Not readable by all users."
  }),
  formerMasterKeys: setting("MAXCLOUD_MASTER_KEYS_FORMER", keys, {
    default: "",
    shown: "none",
    text: "Additional master keys for decryption, in base64, separated by commas: the previous one or, while you migrate, the next one (`maxcloud server rotate-keys`).",
    forgotten: true
  }),
  vaultAddress: optional("MAXCLOUD_VAULT_ADDR", baseUrl("https://bao.example.com:8200"), {
    unset: "none",
    text: "URL of an OpenBao server (or HashiCorp Vault, same API) whose transit engine holds the master key."
  }),
  vaultToken: optional("MAXCLOUD_VAULT_TOKEN", secret, {
    unset: "none",
    text: "Token that may `update` `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`.",
    forgotten: true
  }),
  vaultTokenFile: optional("MAXCLOUD_VAULT_TOKEN_FILE", text, {
    unset: "none",
    text: "A file with that token, read again for each request: an agent may renew it."
  }),
  vaultKey: setting("MAXCLOUD_VAULT_KEY", form(Path, 'a key is named as "maxcloud"'), {
    default: "maxcloud",
    text: "Name of the transit key, of a type with additional data (`aes256-gcm96`, `chacha20-poly1305`)."
  }),
  vaultMount: setting("MAXCLOUD_VAULT_MOUNT", form(Path, 'a path is written as "transit"'), {
    default: "transit",
    text: "Where the transit engine is mounted."
  }),
  vaultNamespace: optional("MAXCLOUD_VAULT_NAMESPACE", form(Path, 'a namespace is written as "team/a"'), {
    unset: "none",
    text: "Namespace of the transit engine."
  })
}

export type KeySettings = SettingValues<typeof keySettings>
