package main

import (
	"context"
	"errors"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// bearer shows a key with every call.
type bearer struct {
	key     string
	withTLS bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.key}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.withTLS }

// connect finds Assay at ASSAY_URL, such as 127.0.0.1:7001, with the key in ASSAY_KEY: by TLS where ASSAY_TLS_CA names the
// certificates to trust, else without, for loopback, where nobody listens in.
func connect() (*grpc.ClientConn, error) {
	address, key, ca := os.Getenv("ASSAY_URL"), os.Getenv("ASSAY_KEY"), os.Getenv("ASSAY_TLS_CA")
	if address == "" {
		address = "127.0.0.1:7001"
	}
	if key == "" {
		return nil, errors.New("set ASSAY_KEY; `assay keys create --role record --role read` makes one")
	}
	transport := insecure.NewCredentials()
	if ca != "" {
		var err error
		if transport, err = credentials.NewClientTLSFromFile(ca, ""); err != nil {
			return nil, err
		}
	}
	return grpc.NewClient(
		address,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer{key: key, withTLS: ca != ""}),
	)
}
