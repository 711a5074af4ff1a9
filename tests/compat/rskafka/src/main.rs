// SPDX-License-Identifier: Apache-2.0
//! The driver of rskafka, which works by partition: it has neither partitioner nor groups.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::time::Duration;

use chrono::DateTime;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

const CALL_MS: i32 = 30_000;
const SILENCE: Duration = Duration::from_secs(30);
const BATCH_BYTES: usize = 900_000;
const FETCH_BYTES: i32 = 2_000_000;

type Answer = Result<Option<String>, Box<dyn Error>>;

struct Driver {
    client: Client,
    version: &'static str,
}

fn value(word: &[u8]) -> Option<Vec<u8>> {
    (word != b"\\N").then(|| word.to_vec())
}

fn text(bytes: &Option<Vec<u8>>) -> &[u8] {
    bytes.as_deref().unwrap_or(b"\\N")
}

fn headers(word: &[u8]) -> BTreeMap<String, Vec<u8>> {
    word.split(|b| *b == b',')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len() - 1);
            (String::from_utf8_lossy(&pair[..at]).into_owned(), pair[at + 1..].to_vec())
        })
        .collect()
}

/// The partition that a line names; of a key's own, as the library has no partitioner.
fn partition_of(word: &[u8], key: &Option<Vec<u8>>, count: usize) -> usize {
    if word != b"-" {
        return String::from_utf8_lossy(word).parse().unwrap_or(0);
    }
    let hash = key.iter().flatten().fold(0usize, |h, b| h.wrapping_mul(31).wrapping_add(*b as usize));
    hash % count
}

fn write(out: &mut impl Write, partition: usize, offset: i64, r: &Record) -> io::Result<()> {
    write!(out, "{partition}\t{offset}\t{}\t", r.timestamp.timestamp_millis())?;
    out.write_all(text(&r.key))?;
    for (i, (name, v)) in r.headers.iter().enumerate() {
        write!(out, "{}{name}=", if i == 0 { "\t" } else { "," })?;
        out.write_all(v)?;
    }
    out.write_all(if r.headers.is_empty() { b"\t\t" } else { b"\t" })?;
    out.write_all(text(&r.value))?;
    out.write_all(b"\n")
}

impl Driver {
    async fn partitions(&self, topic: &str) -> Result<Vec<PartitionClient>, Box<dyn Error>> {
        let found = self.client.list_topics().await?.into_iter().find(|t| t.name == topic);
        let mut clients = Vec::new();
        for p in found.ok_or("no such topic")?.partitions {
            clients.push(self.client.partition_client(topic, p, UnknownTopicHandling::Error).await?);
        }
        Ok(clients)
    }

    /// Batches below the limit, in the order of the file in each partition.
    async fn produce(&self, topic: &str, codec: &str, path: &str) -> Answer {
        let compression = match codec {
            "gzip" => Compression::Gzip,
            "snappy" => Compression::Snappy,
            "lz4" => Compression::Lz4,
            "zstd" => Compression::Zstd,
            _ => Compression::NoCompression,
        };
        let partitions = self.partitions(topic).await?;
        let mut waiting: Vec<(usize, Vec<Record>)> = partitions.iter().map(|_| (0, vec![])).collect();
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            let line = line?;
            let word: Vec<&[u8]> = line.split(|b| *b == b'\t').collect();
            let key = value(word[2]);
            let at = partition_of(word[0], &key, partitions.len());
            let ms = String::from_utf8_lossy(word[1]).parse()?;
            let record = Record {
                key,
                value: value(word[4]),
                headers: headers(word[3]),
                timestamp: DateTime::from_timestamp_millis(ms).ok_or("a timestamp out of range")?,
            };
            let (size, batch) = &mut waiting[at];
            if *size + line.len() > BATCH_BYTES {
                partitions[at].produce(std::mem::take(batch), compression).await?;
                *size = 0;
            }
            *size += line.len() + 20;
            batch.push(record);
        }
        for (at, (_, batch)) in waiting.into_iter().enumerate() {
            partitions[at].produce(batch, compression).await?;
        }
        Ok(Some(String::new()))
    }

    async fn read(&self, p: &PartitionClient, at: usize, mut next: i64, out: &mut impl Write)
        -> Result<(), Box<dyn Error>> {
        let end = p.get_offset(OffsetAt::Latest).await?;
        while next < end {
            let fetch = p.fetch_records(next, 1..FETCH_BYTES, 500);
            let (records, _) = tokio::time::timeout(SILENCE, fetch).await??;
            for r in &records {
                write(out, at, r.offset, &r.record)?;
            }
            next = records.last().ok_or("an empty answer before the end")?.offset + 1;
        }
        Ok(())
    }

    async fn consume(&self, topic: &str, place: &str, path: &str) -> Answer {
        let word: Vec<&str> = place.split(':').collect();
        if word[0] == "committed" {
            return Ok(None);
        }
        let mut out = BufWriter::new(File::create(path)?);
        for (at, p) in self.partitions(topic).await?.iter().enumerate() {
            let next = match word[0] {
                "offset" if word[1].parse::<usize>()? != at => continue,
                "offset" => word[2].parse()?,
                "time" => self.at_time(p, word[1]).await?,
                _ => p.get_offset(OffsetAt::Earliest).await?,
            };
            self.read(p, at, next, &mut out).await?;
        }
        out.flush()?;
        Ok(Some(String::new()))
    }

    async fn at_time(&self, p: &PartitionClient, ms: &str) -> Result<i64, Box<dyn Error>> {
        let time = DateTime::from_timestamp_millis(ms.parse()?).ok_or("a timestamp out of range")?;
        Ok(p.get_offset(OffsetAt::Timestamp(time)).await?)
    }

    async fn offsets(&self, topic: &str, what: &str) -> Answer {
        let mut found = Vec::new();
        for (at, p) in self.partitions(topic).await?.iter().enumerate() {
            let offset = match what {
                "earliest" => p.get_offset(OffsetAt::Earliest).await?,
                "latest" => p.get_offset(OffsetAt::Latest).await?,
                ms => self.at_time(p, ms).await?,
            };
            found.push(format!("{at}={offset}"));
        }
        Ok(Some(found.join(" ")))
    }

    async fn run(&self, word: &[&str]) -> Answer {
        let done = Ok(Some(String::new()));
        match word {
            ["hello"] => Ok(Some(self.version.into())),
            ["create", topic, count] => {
                let admin = self.client.controller_client()?;
                admin.create_topic(*topic, count.parse()?, 1, CALL_MS).await?;
                done
            }
            ["delete", topic] => {
                self.client.controller_client()?.delete_topic(*topic, CALL_MS).await?;
                done
            }
            ["trim", topic, partition, offset] => {
                let p = &self.partitions(topic).await?[partition.parse::<usize>()?];
                p.delete_records(offset.parse()?, CALL_MS).await?;
                done
            }
            ["produce", topic, codec, path, "plain"] => self.produce(topic, codec, path).await,
            ["consume", topic, place, path] => self.consume(topic, place, path).await,
            ["offsets", topic, what] => self.offsets(topic, what).await,
            _ => Ok(None),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = std::env::args().nth(1).ok_or("usage: driver host:port <commands")?;
    let client = ClientBuilder::new(vec![broker]).build().await?;
    let driver = Driver { client, version: "0.6.0" };
    for line in io::stdin().lock().lines() {
        let line = line?;
        let word: Vec<&str> = line.split('\t').collect();
        match driver.run(&word).await {
            Ok(Some(details)) => println!("ok\t{details}"),
            Ok(None) => println!("none\tthe library has no call for it"),
            Err(why) => println!("fail\t{}", why.to_string().replace(['\n', '\t'], " ")),
        }
    }
    Ok(())
}
