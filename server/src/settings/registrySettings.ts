import { Config, Schema } from "effect"
import { RegistryHosts } from "../images/imageName.ts"
import { from, type Settings, Words } from "./setting.ts"

/** Which registries the server asks for images, and how. */
export interface RegistrySettings {
  readonly insecureRegistries: ReadonlyArray<string>
  readonly privateRegistries: ReadonlyArray<string>
  readonly unresolvedRegistries: ReadonlyArray<string>
}

const none: ReadonlyArray<string> = []
const hosts = (name: string) =>
  from(name, Schema.compose(Words, RegistryHosts), 'hosts are written as "registry.example.com,10.0.0.5:5000"').pipe(
    Config.withDefault(none)
  )

export const registrySettings: Settings<RegistrySettings> = {
  insecureRegistries: {
    name: "MAXCLOUD_INSECURE_REGISTRIES",
    config: hosts("MAXCLOUD_INSECURE_REGISTRIES"),
    default: "none",
    description:
      "Registries that are asked by plain HTTP, with commas between them, such as `10.0.0.5:5000`. Without a port, port 80 is meant. They may be on a private network or on this machine."
  },
  privateRegistries: {
    name: "MAXCLOUD_PRIVATE_REGISTRIES",
    config: hosts("MAXCLOUD_PRIVATE_REGISTRIES"),
    default: "none",
    description:
      "Registries that may be on a private network or on this machine, such as `registry.corp:5000`. Without a port, port 443 is meant. Others are not asked there, since whoever deploys names the host, and neither is another port of the same machine."
  },
  unresolvedRegistries: {
    name: "MAXCLOUD_UNRESOLVED_REGISTRIES",
    config: hosts("MAXCLOUD_UNRESOLVED_REGISTRIES"),
    default: "none",
    description:
      "Registries that the server does not ask: `maxcloud registries login` keeps their credentials unchecked, and on Kubernetes their images are not pinned to a digest. As `registries-skipping-tag-resolving` of Knative, whose own (`dev.local`, `ko.local`, `kind.local`) always count."
  }
}

export const registryConfig: Config.Config<RegistrySettings> = Config.all({
  insecureRegistries: registrySettings.insecureRegistries.config,
  privateRegistries: registrySettings.privateRegistries.config,
  unresolvedRegistries: registrySettings.unresolvedRegistries.config
})
