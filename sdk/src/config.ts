/** The module that a `maxcloud.config.ts` imports. */
export type {
  AppInput,
  Config,
  ConfigContext,
  CpuQuantity,
  DurationQuantity,
  EnvContract,
  EnvInput,
  ExternalAddress,
  ExternalService,
  GitState,
  LeftOut,
  MemoryQuantity,
  OutputInput,
  ProbeInput,
  ScaleInput,
  Secret,
  SecretOptions,
  Service,
  ServiceAddress,
  ServiceInput,
  Text
} from "@maxcloud/config-schema/authoring"
export { defineConfig, defineStages, external, secret, service, text } from "@maxcloud/config-schema/authoring"
