import { Schema } from "effect"
import { RegistryHosts } from "../words/imageName.ts"
import { form, Words } from "./forms.ts"
import { setting } from "./setting.ts"

const hosts = form(Schema.compose(Words, RegistryHosts), 'hosts are written as "registry.example.com,10.0.0.5:5000"')

/** Which registries the server asks for images, and how. */
export const registrySettings = {
  insecureRegistries: setting("MAXCLOUD_INSECURE_REGISTRIES", hosts, {
    default: "",
    shown: "none",
    text: "Registries that are asked by plain HTTP, with commas between them, such as `10.0.0.5:5000`. Without a port, port 80 is meant. They may be on a private network or on this machine."
  }),
  privateRegistries: setting("MAXCLOUD_PRIVATE_REGISTRIES", hosts, {
    default: "",
    shown: "none",
    text: "Registries that may be on a private network or on this machine, such as `registry.corp:5000`. Without a port, port 443 is meant. Others are not asked there, since whoever deploys names the host, and neither is another port of the same machine."
  }),
  unresolvedRegistries: setting("MAXCLOUD_UNRESOLVED_REGISTRIES", hosts, {
    default: "",
    shown: "none",
    text: "Registries that the server does not ask: `maxcloud registries login` keeps their credentials unchecked, and on Kubernetes their images are not pinned to a digest. As `registries-skipping-tag-resolving` of Knative, whose own (`dev.local`, `ko.local`, `kind.local`) always count."
  })
}
