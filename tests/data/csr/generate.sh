#!/bin/sh
# Makes the refused requests of this folder anew, with the openssl command line tool.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"
request() { openssl req -new -key "$1" -subj /CN=x -outform DER -out "$out/$2.der"; }
openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out key && request key explicit_parameters
openssl ecparam -name secp256k1 -genkey -noout -out key && request key secp256k1
openssl dsaparam -genkey -out key 2048 && request key dsa
openssl genrsa -out key 1024 && request key rsa1024
openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -out key && request key rsa_pss_key
openssl genrsa -out key 2048
openssl req -new -key key -sha1 -subj /CN=x -outform DER -out "$out/sha1.der"
openssl req -new -key key -sigopt rsa_padding_mode:pss -subj /CN=x -outform DER -out "$out/rsa_pss.der"
