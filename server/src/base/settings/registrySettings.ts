import { isAbsolute } from "node:path"
import { DurationBetween, isRegistryHost } from "@maxcloud/config-schema"
import { Duration, Option, Redacted, Schema } from "effect"
import { RegistryHosts } from "../words/imageName.ts"
import { form, Words } from "./forms.ts"
import { type Form, optional, setting } from "./setting.ts"

const hosts = form(Schema.compose(Words, RegistryHosts), 'hosts are written as "registry.example.com,10.0.0.5:5000"')

/** The host of a registry. The scheme may be written: people copy URLs. */
const ownRegistry: Form<string> = {
  read: (written) => {
    const host = written.replace(/^https?:\/\//, "").replace(/\/$/, "")
    return isRegistryHost(host) ? Option.some(host) : Option.none()
  },
  help: 'write the registry\'s host, such as "registry.example.com" or "127.0.0.1:5000"',
  emptyIsUnset: true
}

/** `auto`, `off`, or the absolute path of a program. */
const registryProgram: Form<string> = {
  read: (written) =>
    written === "auto" || written === "off" || isAbsolute(written) ? Option.some(written) : Option.none(),
  help: 'write "auto", "off" or the absolute path of the program'
}

/** Shorter secrets can be guessed from any token, offline. */
const leastSecret = 32

const jwtSecrets: Form<ReadonlyArray<Redacted.Redacted>> = {
  read: (written) => {
    const secrets = written.split(",").flatMap((each) => (each.trim() === "" ? [] : [each.trim()]))
    return secrets.every((each) => each.length >= leastSecret)
      ? Option.some(secrets.map((each) => Redacted.make(each)))
      : Option.none()
  },
  help: `a secret has at least ${leastSecret} characters and no comma, as \`openssl rand -base64 32\` prints it`,
  secret: true
}

const jwtSecret: Form<Redacted.Redacted> = {
  ...jwtSecrets,
  read: (written) =>
    Option.flatMap(jwtSecrets.read(written), ([secret, ...rest]) =>
      rest.length > 0 ? Option.none() : Option.fromNullable(secret)
    ),
  emptyIsUnset: true
}

const readRotation = Schema.decodeUnknownOption(DurationBetween("1m", "7d", { wholeSeconds: true }))

const rotation: Form<Duration.Duration> = {
  read: (written) => Option.map(readRotation(written), Duration.millis),
  help: 'a duration from 1m to 7d, such as "12h"'
}

const readExpiry = Schema.decodeUnknownOption(DurationBetween("1m", "24h", { wholeSeconds: true }))

const expiry: Form<Duration.Duration> = {
  read: (written) => Option.map(readExpiry(written), Duration.millis),
  help: 'a duration from 1m to 24h, such as "1h"'
}

/** Which registries the server asks for images, and how. */
export const registrySettings = {
  insecureRegistries: setting("MAXCLOUD_INSECURE_REGISTRIES", hosts, {
    default: "",
    shown: "none",
    text: "Comma-separated registries to contact over plain HTTP, such as `10.0.0.5:5000`. The default port is 80. They may be on a private network or on this machine."
  }),
  privateRegistries: setting("MAXCLOUD_PRIVATE_REGISTRIES", hosts, {
    default: "",
    shown: "none",
    text: "Registries that may be on a private network or on this machine, such as `registry.corp:5000`. The default port is 443. Other private hosts and ports are refused, because tenants choose the host."
  }),
  unresolvedRegistries: setting("MAXCLOUD_UNRESOLVED_REGISTRIES", hosts, {
    default: "",
    shown: "none",
    text: "Registries that the server doesn't contact: `maxcloud registries login` stores their credentials unchecked, and on Kubernetes their images aren't pinned to a digest. Like Knative's `registries-skipping-tag-resolving`, whose defaults (`dev.local`, `ko.local`, `kind.local`) always apply."
  }),
  registry: optional("REGISTRY_URL", ownRegistry, {
    unset: "the server's own address, if it runs a registry itself (`MAXCLOUD_REGISTRY_PROGRAM`)",
    text: "The host of your own registry (CNCF Distribution), such as `registry.example.com`. The server issues the tokens for it, and runs none itself."
  }),
  registryProgram: setting("MAXCLOUD_REGISTRY_PROGRAM", registryProgram, {
    default: "auto",
    text: "The registry that the server runs itself unless `REGISTRY_URL` names another: `auto` (CNCF Distribution, `docker-registry` or `registry` on the `PATH`, if services run on this machine), the path of the program, or `off`."
  }),
  registryTokenExpiry: setting("REGISTRY_TOKEN_EXPIRY", expiry, {
    default: "1h",
    text: "How long a token for the registry is valid. A push that takes longer gets a new one by itself."
  }),
  registryPullRotation: setting("MAXCLOUD_REGISTRY_PULL_ROTATION", rotation, {
    default: "12h",
    text: "How often the passwords are replaced with which nodes pull images from your own registry. Each is valid for twice as long."
  }),
  registryJwtSecret: optional("REGISTRY_JWT_SECRET", jwtSecret, {
    unset: "a key in the database, created at the first use",
    text: "The secret from which the key of the registry's tokens is made (ES256): 32 or more characters, the same on every server.",
    forgotten: true
  }),
  registryOtherJwtSecrets: setting("MAXCLOUD_REGISTRY_JWT_SECRETS_OTHER", jwtSecrets, {
    default: "",
    shown: "none",
    text: "Additional secrets, separated by commas, whose keys the registry gets but the server doesn't sign with: the next one or, after the change, the former one.",
    forgotten: true
  })
}
