/** The contract of a service's environment, for the config that sets it and the service's code that reads it. Has no imports. */
export * from "@maxcloud/config-schema/environment"
