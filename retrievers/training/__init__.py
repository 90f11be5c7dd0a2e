"""How RetroMAE and DupMAE encoders are made: text -> pre-training -> fine-tuning -> one folder to retrieve with."""
