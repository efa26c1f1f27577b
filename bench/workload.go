package main

import (
	"bytes"
	"fmt"

	"docket/bench/dataset"
	"docket/bench/peer"
)

// workload is a kind of request, and what a good answer to it holds.
type workload struct {
	name, title string
	question    peer.Question
	inputs      func(dataset.Scale) []peer.Input // in turn
	text        string
	times       int
	refused     string // in a good answer, too
	once        bool   // each input works once
	deep        bool   // inputs need a cursor of the peer's own
	writes      bool
}

var workloads = []workload{
	{name: "W1", title: "one provider by id", question: peer.Provider, inputs: providers, text: `"firstName"`, times: 1},
	{name: "W2", title: "a page of 20 clients", question: peer.Clients, inputs: nothing, text: `"firstName"`, times: 20},
	{
		name: "W3", title: "20 providers × 10 appointments × reservations × client",
		question: peer.Nested, inputs: nothing, text: `"timeSlot"`, times: 200,
	},
	{name: "W4", title: "50 available slots of a provider in a week", question: peer.Available, inputs: providers, text: `"timeSlot"`, times: 50},
	{name: "W6", title: "a page of 50 clients, 15,000 deep", question: peer.Deep, inputs: nothing, deep: true, text: `"firstName"`, times: 50},
	{name: "W5", title: "reserve, each another slot", question: peer.Reserve, inputs: free, once: true, writes: true, text: `"timeSlot"`, times: 1},
	{
		name: "W5hot", title: "reserve, all the same slot", question: peer.Reserve, inputs: contended, writes: true,
		text: `"timeSlot"`, times: 1, refused: "SLOT_HELD",
	},
}

func names() []string {
	var all []string
	for _, w := range workloads {
		all = append(all, w.name)
	}
	return all
}

// check is whether an answer is good.
func (w workload) check(answer []byte) error {
	switch {
	case w.refused != "" && bytes.Contains(answer, []byte(w.refused)):
		return nil
	case bytes.Contains(answer, []byte(`"errors"`)):
		return fmt.Errorf("%s: %.300s", w.name, answer)
	case bytes.Count(answer, []byte(w.text)) != w.times:
		return fmt.Errorf("%s: %s is there %d times, not %d: %.300s", w.name, w.text, bytes.Count(answer, []byte(w.text)), w.times, answer)
	}
	return nil
}

func nothing(dataset.Scale) []peer.Input { return []peer.Input{{}} }

func providers(s dataset.Scale) []peer.Input {
	inputs := make([]peer.Input, min(s.Providers, 1000))
	for i := range inputs { // 7919 is prime: neighbours are far apart
		inputs[i].Provider = dataset.ProviderID(i * 7919 % s.Providers)
	}
	return inputs
}

// most is more than anyone reserves in one measurement.
const most = 100_000

func free(s dataset.Scale) []peer.Input {
	var inputs []peer.Input
	for _, b := range s.Free(most) {
		inputs = append(inputs, peer.Input{Client: b.Client, Appointment: b.Appointment})
	}
	return inputs
}

// contended is one slot that many clients want.
func contended(s dataset.Scale) []peer.Input {
	slot := s.Free(1)[0]
	inputs := []peer.Input{{Client: slot.Client, Appointment: slot.Appointment}}
	for i := range min(s.Clients(), 1000) {
		inputs = append(inputs, peer.Input{Client: dataset.ClientID(i), Appointment: slot.Appointment})
	}
	return inputs
}

// deepest is where W6 begins, and how many pages from there on it asks for.
func deepest(s dataset.Scale) (depth, pages int) {
	return min(15_000, s.Clients()*3/4), min(1000, s.Clients()/8)
}
