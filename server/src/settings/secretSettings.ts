import { Config, Schema } from "effect"
import { from, optional, type Settings } from "./setting.ts"

/** Where the values of secrets come from, if not from the server's database. */
export interface SecretSettings {
  /** Name of a ClusterSecretStore of the External Secrets Operator; undefined: the server keeps the values itself. */
  readonly externalSecretStore: string | undefined
  /** Where a secret is in that store: a template. */
  readonly externalSecretKey: string
}

const StoreName = Schema.String.pipe(Schema.pattern(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/))

const names = ["organization", "app", "stage", "name"]

/**
 * Must come to another key for each secret, or one organization could read another's by the choice of its names: every name stands in
 * it, and between two of them something that no name has (`-` and `_` do not end one).
 */
const isTemplate = (written: string): boolean => {
  const [key = "", ...properties] = written.split("#")
  if (key === "" || properties.length > 1 || properties[0] === "") return false
  const parts = written.split(/\{(\w+)\}/)
  const placeholders = parts.filter((_, at) => at % 2 === 1)
  const texts = parts.filter((_, at) => at % 2 === 0)
  return (
    texts.every((_) => /^[A-Za-z0-9_.:/#-]*$/.test(_)) &&
    placeholders.every((_) => names.includes(_)) &&
    names.every((_) => placeholders.includes(_)) &&
    texts.slice(1, -1).every((_) => /[.:/#]|--/.test(_))
  )
}

const KeyTemplate = Schema.String.pipe(Schema.filter(isTemplate))

export const secretSettings: Settings<SecretSettings> = {
  externalSecretStore: {
    name: "MAXCLOUD_EXTERNAL_SECRET_STORE",
    config: optional(
      from(
        "MAXCLOUD_EXTERNAL_SECRET_STORE",
        StoreName,
        'a ClusterSecretStore is named as "vault", without its namespace'
      )
    ),
    default: "none: the server keeps secrets itself, sealed",
    description:
      "Name of a ClusterSecretStore of the External Secrets Operator. Values of secrets are then read from it in the cluster (`ExternalSecret`), and the server never has them. On Kubernetes only."
  },
  externalSecretKey: {
    name: "MAXCLOUD_EXTERNAL_SECRET_KEY",
    config: from(
      "MAXCLOUD_EXTERNAL_SECRET_KEY",
      KeyTemplate,
      'a key has all of {organization}, {app}, {stage} and {name}, with "/", ".", ":", "#" or "--" between them, such as "{organization}/{app}/{stage}/{name}#value"'
    ).pipe(Config.withDefault("{organization}/{app}/{stage}/{name}#value")),
    default: "{organization}/{app}/{stage}/{name}#value",
    description:
      "Where a secret is in that store: its key, and after `#` the field of the entry. Without `#` the whole entry is the value."
  }
}

export const secretConfig: Config.Config<SecretSettings> = Config.all({
  externalSecretStore: secretSettings.externalSecretStore.config,
  externalSecretKey: secretSettings.externalSecretKey.config
})
