// Where Assay is, whom to trust there, and the key to show.
import { readFileSync } from 'node:fs';
import { ChannelCredentials, Metadata, credentials } from '@grpc/grpc-js';

/** The collector's gRPC address, such as 127.0.0.1:7001. */
export const address = process.env.ASSAY_URL ?? '127.0.0.1:7001';

/** TLS where ASSAY_TLS_CA names the certificates to trust, else none: for loopback, where nobody listens in. */
export function channelCredentials(): ChannelCredentials {
  const ca = process.env.ASSAY_TLS_CA;
  return ca ? credentials.createSsl(readFileSync(ca)) : credentials.createInsecure();
}

/** What every call carries. */
export function keyMetadata(): Metadata {
  const key = process.env.ASSAY_KEY;
  if (!key) throw new Error('set ASSAY_KEY; `assay keys create --role record --role read` makes one');
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}
