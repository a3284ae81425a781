/** The parts of the AWS SDK that we use, by name: `import()` of the package itself gives a bundle only `default`. */
export {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client
} from "@aws-sdk/client-s3"
