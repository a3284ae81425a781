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
  })
}
